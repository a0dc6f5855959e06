"""ExampleGen on Arrow: CSV and Parquet files into the examples and splits that stock CsvExampleGen would make.

The component is the standard `FileBasedExampleGen`, its driver (spans, versions, fingerprint) included; the executor
reads with `flightline.executors.example_gen`, in this process or, on other engines, in Beam's workers.
It adds: a label and column types may be declared, rows that cannot be parsed are rejected instead of stopping the run,
and the artifact records what happened to every row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, BinaryIO

from absl import logging
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from google.protobuf import json_format, struct_pb2
from tfx import types
from tfx.components.example_gen import component, driver, utils, write_split
from tfx.components.example_gen.csv_example_gen import executor as csv_executor
from tfx.components.util import examples_utils
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2, range_config_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from flightline.components.tfx_internals.base_executor import get_scratch_dir
from flightline.components.tfx_internals.beam_executor import get_beam_arguments, make_beam_pipeline
from flightline.errors import InputError
from flightline.executors.beam_runner import out_of_process_runner
from flightline.executors.example_gen.beam_ingestion import ingest_on_beam
from flightline.executors.example_gen.ingestion import HashSplit, IngestOptions, InputSplit, ingest
from flightline.serving.input_feature import ColumnType, InputFeature

DEFAULT_BLOCK_BYTES = IngestOptions.block_bytes
MAX_BLOCK_BYTES = 1 << 30


class ArrowExampleGenExecutor(csv_executor.Executor):
    """Does what the stock executor does, with `custom_config` read by `unpack_options`."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],  # noqa: ARG002 - TFX's argument
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingests the files that the driver has resolved.

        Sets on the artifact, besides the stock properties: `rows_read`, `rows_split_NAME`, `rows_rejected_REASON`.

        Raises:
            InputError: the input can't be read; nothing is left in the artifact's directory.
        """
        artifact = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        _require_tf_example(exec_properties)
        _resolve_span(exec_properties, artifact)
        input_config = _read_proto(exec_properties, standard_component_specs.INPUT_CONFIG_KEY, example_gen_pb2.Input())
        output_config = _read_proto(
            exec_properties, standard_component_specs.OUTPUT_CONFIG_KEY, example_gen_pb2.Output()
        )
        custom = _read_proto(
            exec_properties, standard_component_specs.CUSTOM_CONFIG_KEY, example_gen_pb2.CustomConfig()
        )
        artifact.split_names = artifact_utils.encode_split_names(
            utils.generate_output_split_names(input_config, output_config)
        )
        inputs = _find_files(exec_properties[standard_component_specs.INPUT_BASE_KEY], input_config)
        options, shares = unpack_options(custom), _read_hash_split(output_config)
        if out_of_process_runner(get_beam_arguments(self)):
            temp, make_pipeline = get_scratch_dir(self), partial(make_beam_pipeline, self)
            counts = ingest_on_beam(make_pipeline, inputs, artifact.uri, temp, options, shares, _open_file)
        else:
            counts = ingest(inputs, artifact.uri, options, shares, _open_file)
        for name, rows in counts.properties().items():
            artifact.set_int_custom_property(name, rows)
        examples_utils.set_payload_format(artifact, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(artifact, write_split.to_file_format_str(example_gen_pb2.FORMAT_TFRECORDS_GZIP))
        logging.info("Examples generated: %s", counts.properties())


class ArrowExampleGen(component.FileBasedExampleGen):
    """The standard file-based ExampleGen, on Arrow.

    Args:
        input_base: the directory that holds the files.
        label: a column whose empty rows are rejected; None keeps them.
        column_types: column to its type, for columns in the schema; the others are inferred from all values.
        missing_values: texts in CSV files that mean a missing value, such as `NA`.
        block_bytes: bytes to read at a time; the peak memory is about thirty times that.
        inputs: a release's input contract; rows that break it are rejected. None checks no row.
        row_ids: give each example the features `_file` and `_line`.
        input_config: splits and their patterns; by default every file below `input_base`, as one split.
        output_config: how one input split is divided; by default 2:1 into train and eval.
        range_config: which span to take.
        custom_fields: further values to record with the execution; they are part of its cache key.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(ArrowExampleGenExecutor)

    def __init__(
        self,
        input_base: str,
        *,
        label: str | None = None,
        column_types: Mapping[str, ColumnType] | None = None,
        missing_values: Sequence[str] = (),
        block_bytes: int = DEFAULT_BLOCK_BYTES,
        inputs: Sequence[Mapping[str, Any]] | None = None,
        row_ids: bool = False,
        input_config: example_gen_pb2.Input | None = None,
        output_config: example_gen_pb2.Output | None = None,
        range_config: range_config_pb2.RangeConfig | None = None,
        custom_fields: Mapping[str, Any] | None = None,
    ) -> None:
        options = IngestOptions(
            label=label,
            column_types=dict(column_types or {}),
            missing_values=tuple(missing_values),
            block_bytes=block_bytes,
            contract={feature.name: feature for feature in map(InputFeature.from_json, inputs or [])},
            row_ids=row_ids,
        )
        super().__init__(
            input_base=input_base,
            input_config=input_config,
            output_config=output_config,
            range_config=range_config,
            custom_config=pack_options(options, custom_fields),
        )


def pack_options(
    options: IngestOptions, custom_fields: Mapping[str, Any] | None = None
) -> example_gen_pb2.CustomConfig:
    """The options as the standard `custom_config` property, readable in ML Metadata.

    Raises:
        ValueError: an option is out of range.
    """
    if not 0 < options.block_bytes <= MAX_BLOCK_BYTES:
        raise ValueError(f"block_bytes is {options.block_bytes}: choose between 1 and {MAX_BLOCK_BYTES}")
    content = struct_pb2.Struct()
    content.update(
        {
            "label": options.label,
            "column_types": dict(options.column_types),
            "block_bytes": options.block_bytes,
            # Only where they are used, so that the properties of training's steps stay the same.
            **(
                {"contract": json.dumps([feature.to_json() for feature in options.contract.values()])}
                if options.contract
                else {}
            ),
            **({"missing_values": list(options.missing_values)} if options.missing_values else {}),
            **({"row_ids": True} if options.row_ids else {}),
            "custom_fields": dict(custom_fields or {}),
        }
    )
    packed = example_gen_pb2.CustomConfig()
    packed.custom_config.Pack(content)
    return packed


def unpack_options(config: example_gen_pb2.CustomConfig) -> IngestOptions:
    """The options that `pack_options` packed; the defaults where it packed none."""
    content = struct_pb2.Struct()
    if not config.custom_config.Unpack(content):
        return IngestOptions()
    fields = json_format.MessageToDict(content)
    contract = [InputFeature.from_json(entry) for entry in json.loads(fields.get("contract", "[]"))]
    return IngestOptions(
        label=fields["label"],
        column_types=fields["column_types"],
        missing_values=tuple(fields.get("missing_values", ())),
        block_bytes=int(fields["block_bytes"]),
        contract={feature.name: feature for feature in contract},
        row_ids=fields.get("row_ids", False),
    )


def _read_proto(exec_properties: Mapping[str, Any], key: str, message: Any) -> Any:
    if text := exec_properties.get(key):
        proto_utils.json_to_proto(text, message)
    return message


def _resolve_span(exec_properties: dict[str, Any], artifact: types.Artifact) -> None:
    """Resolves the span where no driver has run before the executor: Kubeflow Pipelines ignores TFX's driver hook."""
    config = _read_proto(exec_properties, standard_component_specs.INPUT_CONFIG_KEY, example_gen_pb2.Input())
    if utils.SPAN_PROPERTY_NAME in exec_properties or not any("{" in split.pattern for split in config.splits):
        return
    try:
        driver.FileBasedDriver(None).resolve_exec_properties(exec_properties, None, None)
    except ValueError as error:
        raise InputError(f"data.pattern: {error}", "check the input directory and the pattern") from error
    driver.update_output_artifact(exec_properties, artifact.mlmd_artifact)


def _require_tf_example(exec_properties: Mapping[str, Any]) -> None:
    payload = exec_properties.get(standard_component_specs.OUTPUT_DATA_FORMAT_KEY)
    if payload not in (None, example_gen_pb2.FORMAT_TF_EXAMPLE):
        name = example_gen_pb2.PayloadFormat.Name(payload)
        raise ValueError(f"output_data_format is {name}: ArrowExampleGen writes FORMAT_TF_EXAMPLE only")


def _find_files(input_base: str, config: example_gen_pb2.Input) -> list[InputSplit]:
    splits = []
    for split in config.splits:
        pattern = f"{input_base}/{split.pattern}"
        files = sorted(fileio.glob(pattern))
        if not files:
            raise InputError(f"{pattern}: no file matches", "check the input directory and the pattern")
        splits.append(InputSplit(split.name, files))
    return splits


def _read_hash_split(config: example_gen_pb2.Output) -> HashSplit | None:
    split_config = config.split_config
    if not split_config.splits:
        return None
    buckets = {split.name: split.hash_buckets for split in split_config.splits}
    by_feature = split_config.HasField("partition_feature_name")
    return HashSplit(buckets, split_config.partition_feature_name if by_feature else None)


def _open_file(path: str) -> BinaryIO:
    return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
