"""Between MLServer's V2 messages and named columns, and the JSON of the plain route."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
from mlserver.types import InferenceRequest, InferenceResponse, Parameters, RequestInput, ResponseOutput

from flightline.serving.contract import ContractViolation, RowProblem
from flightline.serving.service import Answer
from flightline.serving.target import Answers, Target

ROWS_INPUT = "rows"  # the name of an input whose elements are rows, as JSON objects
_INTEGER_DATATYPES = {"INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64"}
_FLOAT_DATATYPES = {"FP16", "FP32", "FP64"}


def parse_rows(request: InferenceRequest) -> list[Any] | None:
    """The rows of a request with one BYTES input `rows`, each element a JSON object; None where it has another form.

    Raises Refused.
    """
    if len(request.inputs) != 1 or request.inputs[0].name != ROWS_INPUT or request.inputs[0].datatype != "BYTES":
        return None
    rows = []
    for number, text in enumerate(_input_values(request.inputs[0])):
        try:
            rows.append(orjson.loads(text))
        except (orjson.JSONDecodeError, TypeError) as error:
            raise ContractViolation([RowProblem(number, "", "unparsable", f"not a JSON object: {error}")]) from error
    return rows


def parse_columns(request: InferenceRequest) -> dict[str, Sequence[Any]]:
    """The columns of a request with an input for each feature. Raises Refused."""
    columns: dict[str, Sequence[Any]] = {}
    for one in request.inputs:
        if one.name in columns:
            raise ContractViolation([RowProblem(None, one.name, "rows", "is there twice")])
        values = _input_values(one)
        rows = one.shape[0] if one.shape else 0
        if any(size != 1 for size in one.shape[1:]) or rows != len(values):
            message = f"has the shape {list(one.shape)} and {len(values)} values; wants [rows] or [rows, 1]"
            raise ContractViolation([RowProblem(None, one.name, "rows", message)])
        columns[one.name] = values
    return columns


def _input_values(one: RequestInput) -> list[Any]:
    """The elements of an input, flat; text stays bytes where it came as such."""
    data = one.data.root
    values = list(data) if isinstance(data, Sequence) and not isinstance(data, str | bytes) else [data]
    if values and isinstance(values[0], list):
        values = [value[0] if isinstance(value, list) and len(value) == 1 else value for value in values]
    datatype = str(getattr(one.datatype, "value", one.datatype))
    if datatype not in _INTEGER_DATATYPES | _FLOAT_DATATYPES | {"BYTES"}:
        raise ContractViolation(
            [RowProblem(None, one.name, "type", f"the datatype {datatype} is no number and no text")]
        )
    for row, value in enumerate(values):
        is_text = isinstance(value, str | bytes)
        if value is not None and is_text != (datatype == "BYTES"):
            message = f"{'text' if is_text else value!r} in an input of datatype {datatype}"
            raise ContractViolation([RowProblem(row, one.name, "type", message)])
    return values


def v2_response(model: str, answer: Answer) -> InferenceResponse:
    """The answer as outputs [rows]: `probability` and `label`, or `prediction`; `probabilities` are [rows, classes]."""
    return InferenceResponse(
        model_name=model,
        model_version=answer.version,
        id=answer.request_id,
        parameters=Parameters(content_type="np"),
        outputs=list(_response_outputs(answer.answers)),
    )


def _response_outputs(answers: Answers) -> Iterator[ResponseOutput]:
    rows, scores = len(answers), answers.scores.tolist()
    for name, datatype, width in output_specs(answers.target):
        if name == "label":
            yield ResponseOutput(name=name, shape=[rows], datatype=datatype, data=answers.label_values)
        elif width:
            assert answers.probabilities is not None
            flat = answers.probabilities.ravel().tolist()
            yield ResponseOutput(name=name, shape=[rows, width], datatype=datatype, data=flat)
        else:
            yield ResponseOutput(name=name, shape=[rows], datatype=datatype, data=scores)


def output_specs(target: Target) -> list[tuple[str, str, int]]:
    """The outputs of V2: name, datatype, and numbers for a row where they are several."""
    if target.task == "regression":
        return [("prediction", "FP32", 0)]
    kinds = {type(value) for value in target.classes or target.label_values}
    label = "BYTES" if str in kinds else "FP64" if float in kinds else "INT64"
    outputs = [("probability", "FP32", 0), ("label", label, 0)]
    return outputs if target.task == "binary" else [*outputs, ("probabilities", "FP32", target.outputs)]


def json_response(model: str, answer: Answer) -> dict[str, Any]:
    """The answer as JSON, a prediction for each row."""
    return {
        "id": answer.request_id,
        "model": model,
        "version": answer.version,
        "predictions": answer.answers.rows(),
    }


def error_response(error: ContractViolation, request_id: str | None = None) -> dict[str, Any]:
    """Why a request is refused, as JSON: one sentence, and each problem by row and feature."""
    problems = [
        {"row": one.row, "feature": one.feature, "reason": one.reason, "message": one.message} for one in error.problems
    ]
    return {"error": str(error), "id": request_id, "problems": problems}
