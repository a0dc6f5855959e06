"""CuratedSchema: the schema that data are validated against, whose text is a parameter of the component.

Reads nothing, writes a Schema. TFX's ImportSchemaGen reads a file, which must exist where the step runs, and its cache
key has the file's path only. With the text as parameter, a container needs no file, and an edit changes the cache key.
"""

from __future__ import annotations

from typing import Any

from tfx import types
from tfx.components.schema_gen import executor as schema_gen
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils


class CuratedSchemaSpec(ComponentSpec):
    PARAMETERS = {"schema_text": ExecutionParameter(type=str)}  # noqa: RUF012 - TFX reads it as a class attribute
    INPUTS: dict[str, Any] = {}  # noqa: RUF012
    OUTPUTS = {"schema": ChannelParameter(type=standard_artifacts.Schema)}  # noqa: RUF012


class Executor(base_executor.BaseExecutor):
    """Writes the schema as SchemaGen would."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],  # noqa: ARG002 - TFX's argument
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        folder = artifact_utils.get_single_uri(output_dict["schema"])
        io_utils.write_string_file(f"{folder}/{schema_gen.DEFAULT_FILE_NAME}", exec_properties["schema_text"])


class CuratedSchema(base_component.BaseComponent):
    """Writes a Schema artifact.

    Args:
        schema_text: the schema in protobuf's text format.
    """

    SPEC_CLASS = CuratedSchemaSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, schema_text: str) -> None:
        super().__init__(
            CuratedSchemaSpec(schema_text=schema_text, schema=types.Channel(type=standard_artifacts.Schema))
        )
