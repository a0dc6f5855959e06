"""The OpenAPI description of `/predict`, generated from a release's contract."""

from __future__ import annotations

from typing import Any

from flightline.serving.contract import Contract
from flightline.serving.features import Feature
from flightline.serving.input_feature import ColumnType
from flightline.serving.target import Target

_JSON_TYPES: dict[ColumnType, str] = {"int": "integer", "float": "number", "bytes": "string"}


def build_openapi(model: str, version: str, contract: Contract) -> dict[str, Any]:
    """An OpenAPI 3.1 document of the request and the response."""
    rows = {"type": "array", "minItems": 1, "items": {"$ref": "#/components/schemas/Row"}}
    responses = {
        "200": ("The predictions", "Predictions"),
        "400": ("A row violates the contract", "Error"),
        "503": ("No release is loaded yet", "Error"),
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": model, "version": version},
        "paths": {
            "/predict": {
                "post": {
                    "summary": "Predict for a batch of rows",
                    "requestBody": {
                        "required": True,
                        "content": _json_content({"$ref": "#/components/schemas/Request"}),
                    },
                    "responses": {
                        status: {
                            "description": text,
                            "content": _json_content({"$ref": f"#/components/schemas/{schema}"}),
                        }
                        for status, (text, schema) in responses.items()
                    },
                }
            }
        },
        "components": {
            "schemas": {
                "Row": _row_schema(contract),
                "Request": _object_schema({"id": {"type": "string"}, "rows": rows}, ["rows"]),
                "Predictions": _predictions_schema(contract.target),
                "Error": _error_schema(),
            }
        },
    }


def _row_schema(contract: Contract) -> dict[str, Any]:
    properties = {feature.name: _feature_schema(feature) for feature in contract.features.values()}
    required = [feature.name for feature in contract.features.values() if feature.required]
    return {**_object_schema(properties, required), "additionalProperties": False}


def _feature_schema(feature: Feature) -> dict[str, Any]:
    kind: Any = _JSON_TYPES[feature.kind]
    described: dict[str, Any] = {"type": kind if feature.required else [kind, "null"]}
    if feature.low is not None:
        described["minimum"] = feature.low
    if feature.high is not None:
        described["maximum"] = feature.high
    if feature.values is not None:
        described["enum"] = [*sorted(feature.values), *([] if feature.required else [None])]
    return described


def _predictions_schema(target: Target) -> dict[str, Any]:
    probability = {"type": "number", "minimum": 0, "maximum": 1}
    match target.task:
        case "regression":
            prediction = _object_schema({"prediction": {"type": "number"}})
        case "multiclass":
            probabilities = _object_schema({str(value): probability for value in target.classes})
            label: dict[str, Any] = {"enum": list(target.classes)}
            prediction = _object_schema({"probability": probability, "label": label, "probabilities": probabilities})
        case _:
            label = {"enum": list(target.label_values)} if target.label_values else {"type": "integer", "enum": [0, 1]}
            prediction = _object_schema({"probability": probability, "label": label})
    texts = {name: {"type": "string"} for name in ("id", "model", "version")}
    return _object_schema({**texts, "predictions": {"type": "array", "items": prediction}})


def _error_schema() -> dict[str, Any]:
    text = {"type": "string"}
    problem = _object_schema({"row": {"type": ["integer", "null"]}, "feature": text, "reason": text, "message": text})
    fields = {"error": text, "id": {"type": ["string", "null"]}}
    return _object_schema({**fields, "problems": {"type": "array", "items": problem}})


def _object_schema(properties: dict[str, Any], required: list[str] | None = None) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties) if required is None else required}


def _json_content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
