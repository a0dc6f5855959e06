"""What a SavedModel says it takes and gives, read from its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def signatures_of(saved_model: Path) -> dict[str, Any]:
    """Signature → {"inputs", "outputs"}, each name → "TYPE [DIMENSIONS]" with -1 for the rows; those to be served.

    Raises:
        OSError: there is no saved_model.pb.
    """
    from tensorflow.core.framework import types_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    def described(tensors: Any) -> dict[str, str]:
        kinds = {name: types_pb2.DataType.Name(tensor.dtype) for name, tensor in tensors.items()}
        shapes = {name: [dim.size for dim in tensor.tensor_shape.dim] for name, tensor in tensors.items()}
        return {name: f"{kinds[name].removeprefix('DT_').lower()} {shapes[name]}" for name in sorted(tensors)}

    model = saved_model_pb2.SavedModel.FromString((saved_model / "saved_model.pb").read_bytes())
    return {
        name: {"inputs": described(signature.inputs), "outputs": described(signature.outputs)}
        for graph in model.meta_graphs
        for name, signature in sorted(graph.signature_def.items())
        if signature.inputs  # not those of the initialisation
    }
