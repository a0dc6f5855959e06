"""The input contract of a release: its features, their types and domains, and which of them are required.

It is stored in release.json, so that the server can validate requests without the schema, TFX or TensorFlow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.schema_file import TYPE_NAMES
from flightline.serving.input_feature import InputFeature
from flightline.serving.target import Value

SERVING_ENVIRONMENT = "SERVING"  # the schema's environment


def build_input_contract(schema: schema_pb2.Schema, label: str, model_features: frozenset[str]) -> list[InputFeature]:
    """List the features of `schema` that exist in serving, sorted by name.

    A feature is required if every training row has it and the model reads it. A domain that tolerates other values has
    no bounds here.
    """
    domains = {domain.name: domain for domain in schema.string_domain}
    inputs = []
    for feature in sorted(schema.feature, key=lambda feature: feature.name):
        if feature.name == label or SERVING_ENVIRONMENT in feature.not_in_environment or feature.type not in TYPE_NAMES:
            continue
        bounded = not _allows_unseen_values(feature)
        bounds = _numeric_bounds(feature) if bounded else {}
        values = _allowed_values(feature, domains) if bounded else []
        inputs.append(
            InputFeature(
                name=feature.name,
                kind=TYPE_NAMES[feature.type],
                required=feature.name in model_features and _is_always_present(feature),
                low=bounds.get("min"),
                high=bounds.get("max"),
                values=frozenset(values) if values else None,
            )
        )
    return inputs


def find_negative_label(schema: schema_pb2.Schema, label: str, positive: Value | None) -> Value | None:
    """Find the label's value that is not `positive`, from its domain; None where that does not name just two values."""
    feature = next(feature for feature in schema.feature if feature.name == label)
    if positive is None or _allows_unseen_values(feature):
        return None
    values: list[Value] = [*_allowed_values(feature, {domain.name: domain for domain in schema.string_domain})]
    bounds = _numeric_bounds(feature)
    if feature.type == schema_pb2.INT and {"min", "max"} <= bounds.keys():
        values += [bounds["min"], bounds["max"]] if bounds["max"] - bounds["min"] == 1 else []
    others = [value for value in values if value != positive]
    return others[0] if len(values) == 2 and len(others) == 1 else None


def _is_always_present(feature: schema_pb2.Feature) -> bool:
    filled = feature.HasField("shape") or feature.value_count.min >= 1
    return feature.presence.min_fraction >= 1 and filled


def _allows_unseen_values(feature: schema_pb2.Feature) -> bool:
    """Whether the schema requires only a part of the values to be in the domain."""
    constraints = feature.distribution_constraints
    return feature.HasField("distribution_constraints") and constraints.min_domain_mass < 1


def _numeric_bounds(feature: schema_pb2.Feature) -> dict[str, float]:
    for name in ("int_domain", "float_domain"):
        if feature.HasField(name):
            domain = getattr(feature, name)
            return {key: getattr(domain, key) for key in ("min", "max") if domain.HasField(key)}
    return {}


def _allowed_values(feature: schema_pb2.Feature, domains: dict[str, schema_pb2.StringDomain]) -> list[str]:
    domain = domains.get(feature.domain) if feature.HasField("domain") else None
    if feature.HasField("string_domain"):
        domain = feature.string_domain
    return sorted(domain.value) if domain else []


def read_signatures(saved_model: Path) -> dict[str, Any]:
    """Signature → {"inputs", "outputs"}, each name → "TYPE [DIMENSIONS]", with -1 for the rows.

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
        if signature.inputs  # excludes the initialization signature
    }
