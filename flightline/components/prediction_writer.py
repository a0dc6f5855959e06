"""PredictionWriter: BulkInferrer's predictions as a Parquet file, for people and other tools.

Reads an InferenceResult and the Examples; writes a folder with `predictions.parquet` and, if rows were rejected,
`rejected.csv`. BulkInferrer writes PredictionLog protos in the order in which its workers finish; the table has the
order of the input, with the file and line of each row, the model's version and the time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from flightline.executors.example_gen.artifact_layout import FILE_COLUMN, LINE_COLUMN, REJECTED_FILE
from flightline.executors.examples import decode_examples
from flightline.metadata.row_accounting import parse_row_accounting, row_count_properties
from flightline.serving.target import Target

PREDICTIONS_FILE, REJECTED_ROWS_FILE = "predictions.parquet", "rejected.csv"
OUTPUTS_COLUMN = "_outputs"  # the column of the model's outputs, until they are decoded
_CHECKED_ROWS = 1000  # rows whose outputs are checked before all are written
BATCH_ROWS = 16_384  # predictions decoded at a time


class PredictionWriterSpec(ComponentSpec):
    PARAMETERS = {  # noqa: RUF012 - TFX reads it as a class attribute
        "output": ExecutionParameter(type=str),
        "version": ExecutionParameter(type=str),
        "scored_at": ExecutionParameter(type=int),
        "threshold": ExecutionParameter(type=float),
        "target": ExecutionParameter(type=str),
        "id_columns": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "inference_result": ChannelParameter(type=standard_artifacts.InferenceResult),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
    }
    OUTPUTS = {"predictions": ChannelParameter(type=standard_artifacts.JsonValue)}  # noqa: RUF012


class Executor(base_executor.BaseExecutor):
    """Writes the table; every row that was read is in it or in the file of rejected rows."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the files.

        Raises:
            RuntimeError: the numbers of rows and predictions differ; nothing has been written then.
        """
        examples = artifact_utils.get_single_instance(input_dict["examples"])
        result = artifact_utils.get_single_uri(input_dict["inference_result"])
        rows = parse_row_accounting(row_count_properties(examples))
        table = build_predictions_table(read_prediction_logs(result), json.loads(exec_properties["id_columns"]))
        if rows is None or table.num_rows != rows.used:
            raise RuntimeError(f"{rows and rows.used} rows got {table.num_rows} predictions; this is a bug")
        target = Target.from_release({"target": json.loads(exec_properties["target"])})
        table = decode_outputs(table, target, exec_properties["threshold"])
        table = _add_constant_columns(table, exec_properties["version"], exec_properties["scored_at"])
        folder = Path(exec_properties["output"])
        folder.mkdir(parents=True, exist_ok=True)
        _write_rejected(f"{examples.uri}/{REJECTED_FILE}", folder / REJECTED_ROWS_FILE)
        temporary = folder / f".{PREDICTIONS_FILE}.{os.getpid()}"
        pq.write_table(table, temporary, compression="zstd")
        temporary.replace(folder / PREDICTIONS_FILE)  # last: if it exists, everything is complete
        written = {"predictions": str(folder / PREDICTIONS_FILE), "rows": table.num_rows, "read": rows.read}
        artifact = artifact_utils.get_single_instance(output_dict["predictions"])
        artifact.write({**written, "rejected": rows.rejected, "version": exec_properties["version"]})


class PredictionWriter(base_component.BaseComponent):
    """Writes predictions to a folder, as Parquet in the order of the input.

    Args:
        inference_result: BulkInferrer's output.
        examples: the Examples that it predicted, with row ids.
        output: absolute path of the folder.
        version: the release's version.
        scored_at: seconds since the epoch.
        threshold: smallest probability that gets the label 1.
        target: the meaning of the outputs, as in release.json.
        id_columns: columns of the input that are copied to the output.
        code_digest: digest of this component's code, which makes it a part of TFX's own cache key too.
    """

    SPEC_CLASS = PredictionWriterSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        inference_result: types.BaseChannel,
        examples: types.BaseChannel,
        output: str,
        version: str,
        scored_at: int,
        threshold: float,
        target: Mapping[str, Any] | None = None,
        id_columns: Sequence[str] = (),
        code_digest: str = "",
    ) -> None:
        super().__init__(
            PredictionWriterSpec(
                inference_result=inference_result,
                examples=examples,
                output=output,
                version=version,
                scored_at=scored_at,
                threshold=threshold,
                target=json.dumps(target or {}),
                id_columns=json.dumps(list(id_columns)),
                code_digest=code_digest,
                predictions=types.Channel(type=standard_artifacts.JsonValue),
            )
        )


def read_prediction_logs(uri: str) -> Iterator[tuple[list[bytes], np.ndarray]]:
    """Batches of a BulkInferrer's output: serialized examples, and float32 [rows, numbers] outputs."""
    files = sorted(fileio.glob(f"{uri}/*"))
    for batch in tf.data.TFRecordDataset(files, "GZIP").batch(BATCH_ROWS).as_numpy_iterator():
        logs = [prediction_log_pb2.PredictionLog.FromString(record).predict_log for record in batch]
        examples = [next(iter(log.request.inputs.values())).string_val[0] for log in logs]
        outputs = [tf.make_ndarray(next(iter(log.response.outputs.values()))).ravel() for log in logs]
        yield examples, np.array(outputs, np.float32)


def build_predictions_table(batches: Iterator[tuple[list[bytes], np.ndarray]], id_columns: Sequence[str]) -> pa.Table:
    """Columns `file`, `line`, the id columns and the model's outputs [numbers], in the order of the input."""
    parts: dict[str, list[pa.Array]] = {name: [] for name in ("file", "line", *id_columns, OUTPUTS_COLUMN)}
    for examples, outputs in batches:
        columns = decode_examples(examples)
        for name, source in (("file", FILE_COLUMN), ("line", LINE_COLUMN), *zip(id_columns, id_columns, strict=True)):
            parts[name].append(_scalar_feature(columns, source))
        parts[OUTPUTS_COLUMN].append(pa.FixedSizeListArray.from_arrays(pa.array(outputs.ravel()), outputs.shape[1]))
    table = pa.table({name: _concat_arrays(arrays) for name, arrays in parts.items()})
    return table.take(pc.sort_indices(table, [("file", "ascending"), ("line", "ascending")]))


def _scalar_feature(batch: pa.RecordBatch, name: str) -> pa.Array:
    """[rows] the values of a feature with at most one value a row; text is decoded, a missing value is null."""
    index = batch.schema.get_field_index(name)
    if index < 0 or pa.types.is_null(batch.schema.field(index).type):
        return pa.nulls(batch.num_rows)
    column = batch.column(index)
    lengths = pc.list_value_length(column).fill_null(0).to_numpy(zero_copy_only=False)
    values = column.flatten().take(pa.array(np.cumsum(lengths) - lengths, mask=lengths == 0))
    return values.cast(pa.string()) if pa.types.is_large_binary(values.type) else values


def _concat_arrays(arrays: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Joins the parts of a column; a part without any value takes the type of the others."""
    types_ = [array.type for array in arrays if not pa.types.is_null(array.type)]
    kind = types_[0] if types_ else pa.string()
    return pa.chunked_array([array.cast(kind) for array in arrays], kind)


def decode_outputs(table: pa.Table, target: Target, threshold: float) -> pa.Table:
    """Replaces the outputs by the columns `probability` and `label`, or `prediction`; for several classes also
    `probability_CLASS`."""
    outputs = table[OUTPUTS_COLUMN].combine_chunks()
    numbers = outputs.flatten().to_numpy(zero_copy_only=False).reshape(table.num_rows, target.outputs)
    if problem := target.find_problem(numbers[:_CHECKED_ROWS]):
        raise RuntimeError(f"the model returned {problem}")
    predictions = target.to_predictions(numbers, threshold)
    if predictions.labels is None:
        return table.drop([OUTPUTS_COLUMN]).append_column("prediction", pa.array(predictions.scores))
    table = table.drop([OUTPUTS_COLUMN]).append_column("probability", pa.array(predictions.scores))
    table = table.append_column("label", pa.array(predictions.label_values))
    if predictions.probabilities is not None:
        for index, value in enumerate(target.classes):
            table = table.append_column(f"probability_{value}", pa.array(predictions.probabilities[:, index]))
    return table


def _add_constant_columns(table: pa.Table, version: str, scored_at: int) -> pa.Table:
    """Adds the columns `version` and `scored_at`, which have the same value in all rows."""
    table = table.append_column("version", pa.array([version] * table.num_rows, pa.string()))
    return table.append_column("scored_at", pa.array([scored_at] * table.num_rows, pa.timestamp("s", tz="UTC")))


def _write_rejected(source: str, target: Path) -> None:
    """Copies the file of rejected rows; if there is none, deletes the copy of an earlier run."""
    if not fileio.exists(source):
        target.unlink(missing_ok=True)
        return
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    with fileio.open(source, "rb") as file:
        temporary.write_bytes(file.read())
    temporary.replace(target)
