"""Rows of a CSV as a user's program has them: named values, numbers as numbers, what is missing left out."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_PARSERS = {"int": int, "float": float, "bytes": str}


def read_raw_rows(file: Path, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The rows of a file, with the columns that a release's `inputs` name."""
    readers = {one["name"]: _PARSERS[one["type"]] for one in inputs}
    with file.open(newline="") as lines:
        return [
            {name: readers[name](text) for name, text in row.items() if text and name in readers}
            for row in csv.DictReader(lines)
        ]


def evaluator_predictions(model: Path, files: Sequence[Path], folder: Path, types: Mapping[str, Any]) -> Any:
    """Float32 [rows] of what the Evaluator sees of the model on the rows of some CSV files, in their order."""
    import numpy as np
    import tensorflow as tf
    from tensorflow_model_analysis.proto import config_pb2

    from flightline.executors.evaluator.scored_model import ScoredModel
    from flightline.executors.example_gen.ingestion import IngestOptions, InputSplit, ingest
    from flightline.executors.examples import read_examples

    ingest([InputSplit("all", [str(file) for file in files])], str(folder), IngestOptions(column_types=types))
    spec = config_pb2.ModelSpec(signature_name="serving_default")
    scored = ScoredModel(str(model), spec, ())
    batches = read_examples([str(path) for path in folder.glob("Split-all/*")])
    return np.concatenate([scored.predict(tf.constant(batch)) for batch in batches])
