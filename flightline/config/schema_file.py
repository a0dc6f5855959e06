"""Reading a curated schema file, without TensorFlow."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.errors import ConfigError
from flightline.serving.input_feature import ColumnType
from flightline.utils.files import read_small_text

MAX_SCHEMA_MB = 8  # a schema of 10,000 columns with their domains has two
TYPE_NAMES: dict[int, ColumnType] = {schema_pb2.INT: "int", schema_pb2.FLOAT: "float", schema_pb2.BYTES: "bytes"}


def read_schema(path: Path) -> schema_pb2.Schema:
    """Read the schema from a `.pbtxt` file.

    Raises:
        ConfigError: there is no such file, or it is not a schema.
    """
    try:
        return text_format.Parse(read_small_text(path, MAX_SCHEMA_MB), schema_pb2.Schema())
    except FileNotFoundError as error:
        todo = "fix `schema` in the config; paths are relative to the working directory"
        raise ConfigError(f"schema: there is no file {path}", todo) from error
    except RecursionError as error:
        raise ConfigError(f"schema: {path} is not a readable schema: it is nested too deeply") from error
    except (OSError, ValueError, text_format.ParseError) as error:
        raise ConfigError(f"schema: {path} is not a readable schema: {error}") from error


def read_feature_types(path: Path) -> dict[str, ColumnType]:
    """Read the type of each column of a schema file: `int`, `float` or `bytes`.

    Raises:
        ConfigError: the file is no schema, or a feature has another type, no name, or the name of another.
    """
    return schema_feature_types(read_schema(path), path)


def schema_feature_types(schema: schema_pb2.Schema, path: Path) -> dict[str, ColumnType]:
    """As `read_feature_types`, for a schema that was read from `path`."""
    types: dict[str, ColumnType] = {}
    for feature in schema.feature:
        if feature.type not in TYPE_NAMES:
            raise ConfigError(f"schema: {path}: feature {feature.name} has no type INT, FLOAT or BYTES")
        if not feature.name or feature.name in types or "\0" in feature.name:
            problem = (
                f"{feature.name!r} is there twice, or contains a NUL character" if feature.name else "one has no name"
            )
            raise ConfigError(f"schema: {path}: of its features, {problem}")
        types[feature.name] = TYPE_NAMES[feature.type]
    return types
