"""Convert V2 messages to rows or columns, and predictions to V2 messages or JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from mlserver.types import InferenceRequest, InferenceResponse, Parameters, RequestInput, ResponseOutput

from flightline.serving.contract import ContractViolation, RowProblem
from flightline.serving.service import PredictResult
from flightline.serving.target import Predictions, Target

ROWS_INPUT = "rows"  # the name of an input whose elements are rows, as JSON objects
_INTEGER_DATATYPES = {"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"}
_FLOAT_DATATYPES = {"FP16", "FP32", "FP64"}


def parse_rows(request: InferenceRequest) -> list[Any] | None:
    """The rows of a request with one BYTES input `rows`, whose elements are JSON objects; None for other requests.

    Raises:
        ContractViolation: an element is not valid JSON.
    """
    if len(request.inputs) != 1 or request.inputs[0].name != ROWS_INPUT or request.inputs[0].datatype != "BYTES":
        return None
    rows = []
    for number, text in enumerate(_input_values(request.inputs[0])):
        try:
            rows.append(orjson.loads(text))
        except (orjson.JSONDecodeError, TypeError) as error:
            raise ContractViolation([RowProblem(number, "", "unparsable", f"not valid JSON: {error}")]) from error
    return rows


def parse_columns(request: InferenceRequest) -> dict[str, Sequence[Any]]:
    """The columns of a request with one input for each feature.

    Raises:
        ContractViolation: an input is repeated, or has the wrong shape or type.
    """
    columns: dict[str, Sequence[Any]] = {}
    for tensor in request.inputs:
        if tensor.name in columns:
            raise ContractViolation([RowProblem(None, tensor.name, "invalid_shape", "is given twice")])
        values = _input_values(tensor)
        rows = tensor.shape[0] if tensor.shape else 0
        if any(size != 1 for size in tensor.shape[1:]) or rows != len(values):
            message = f"has the shape {list(tensor.shape)} and {len(values)} values; expected [rows] or [rows, 1]"
            raise ContractViolation([RowProblem(None, tensor.name, "invalid_shape", message)])
        columns[tensor.name] = values
    return columns


def _input_values(tensor: RequestInput) -> list[Any]:
    """The elements of an input as a flat list; text may be str or bytes."""
    data = tensor.data.root
    values = list(data) if isinstance(data, Sequence) and not isinstance(data, str | bytes) else [data]
    if values and isinstance(values[0], list):
        values = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
    datatype = str(getattr(tensor.datatype, "value", tensor.datatype))
    if datatype not in _INTEGER_DATATYPES | _FLOAT_DATATYPES | {"BYTES"}:
        raise ContractViolation(
            [RowProblem(None, tensor.name, "wrong_type", f"the datatype {datatype} is neither numeric nor text")]
        )
    for row, value in enumerate(values):
        is_text = isinstance(value, str | bytes)
        if value is not None and is_text != (datatype == "BYTES"):
            message = f"{'text' if is_text else value!r} in an input of datatype {datatype}"
            raise ContractViolation([RowProblem(row, tensor.name, "wrong_type", message)])
    return values


def v2_response(model: str, result: PredictResult) -> InferenceResponse:
    """Predictions as V2 outputs [rows]: `probability` and `label`, or `prediction`; `probabilities` [rows, classes]."""
    return InferenceResponse(
        model_name=model,
        model_version=result.version,
        id=result.request_id,
        parameters=Parameters(content_type="np"),
        outputs=list(_response_outputs(result.predictions)),
    )


def _response_outputs(predictions: Predictions) -> Iterator[ResponseOutput]:
    rows, scores = len(predictions), predictions.scores.tolist()
    for name, datatype, width in output_specs(predictions.target):
        if name == "label":
            # As bytes, which gRPC requires for BYTES; REST writes them as text.
            labels = [value.encode() if isinstance(value, str) else value for value in predictions.label_values]
            yield ResponseOutput(name=name, shape=[rows], datatype=datatype, data=labels)
        elif width:
            assert predictions.probabilities is not None
            flat = predictions.probabilities.ravel().tolist()
            yield ResponseOutput(name=name, shape=[rows, width], datatype=datatype, data=flat)
        else:
            yield ResponseOutput(name=name, shape=[rows], datatype=datatype, data=scores)


def output_specs(target: Target) -> list[tuple[str, str, int]]:
    """The V2 outputs: name, datatype, and values per row, 0 for a single one."""
    if target.task == "regression":
        return [("prediction", "FP32", 0)]
    kinds = {type(value) for value in target.classes or target.label_values}
    label = "BYTES" if str in kinds else "FP64" if float in kinds else "INT64"
    outputs = [("probability", "FP32", 0), ("label", label, 0)]
    return outputs if target.task == "binary" else [*outputs, ("probabilities", "FP32", target.outputs)]


def json_response(model: str, result: PredictResult) -> dict[str, Any]:
    """Predictions as JSON, one object for each row."""
    return {
        "id": result.request_id,
        "model": model,
        "version": result.version,
        "predictions": result.predictions.rows(),
    }


def error_response(error: ContractViolation, request_id: str | None = None) -> dict[str, Any]:
    """Why a request is rejected, as JSON: one sentence, and each problem with its row and feature."""
    problems = [
        {"row": one.row, "feature": one.feature, "reason": one.reason, "message": one.message} for one in error.problems
    ]
    return {"error": str(error), "id": request_id, "problems": problems}
