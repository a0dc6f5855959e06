"""Reading a curated schema file, without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.errors import ConfigError

ColumnType = Literal["int", "float", "bytes"]
TYPE_NAMES: dict[int, ColumnType] = {schema_pb2.INT: "int", schema_pb2.FLOAT: "float", schema_pb2.BYTES: "bytes"}


def read_schema(path: Path) -> schema_pb2.Schema:
    """The schema of a `.pbtxt` file.

    Raises:
        ConfigError: there is no such file, or it is not a schema.
    """
    try:
        return text_format.Parse(path.read_text(encoding="utf-8"), schema_pb2.Schema())
    except FileNotFoundError as error:
        todo = "mend `schema` in the config; paths are relative to the working directory"
        raise ConfigError(f"schema: there is no file {path}", todo) from error
    except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
        raise ConfigError(f"schema: {path} is not a readable schema: {error}") from error


def feature_types(path: Path) -> dict[str, ColumnType]:
    """Each column of the schema and its type: `int`, `float` or `bytes`.

    Raises:
        ConfigError: the file is no schema, or a feature has another type.
    """
    types: dict[str, ColumnType] = {}
    for feature in read_schema(path).feature:
        if feature.type not in TYPE_NAMES:
            raise ConfigError(f"schema: {path}: feature {feature.name} has no type INT, FLOAT or BYTES")
        types[feature.name] = TYPE_NAMES[feature.type]
    return types
