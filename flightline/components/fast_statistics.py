"""StatisticsGen without Beam: the statistics that the stock executor computes, several times faster.

Reads Examples and, where there is one, a Schema; writes ExampleStatistics. Options and inputs for which it could not
give the same statistics go to the stock executor, with a warning that says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import tensorflow_data_validation as tfdv
from absl import logging
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.statistics_gen import component
from tfx.components.statistics_gen import executor as stock
from tfx.components.util import examples_utils
from tfx.dsl.components.base import executor_spec
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, json_utils, stats_utils

from flightline.components.tfx_internals.beam_executor import BEAM_EXECUTOR, get_beam_arguments
from flightline.executors import progress
from flightline.executors.beam_runner import out_of_process_runner
from flightline.executors.examples import decode_examples, read_examples
from flightline.executors.statistics_gen import TooManyDistinctError, compute_statistics, list_unsupported_options
from flightline.executors.tfdv_internals import TFDV
from flightline.utils.private_api import find_first_problem


class FastStatisticsExecutor(stock.Executor):
    """The stock executor, which does not use Beam where the same statistics can be computed without it."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `Split-NAME/FeatureStats.pb` for every split that is not excluded.

        Raises:
            ValueError: there are two schemas, or no split is left; as in the stock executor.
            RuntimeError: a split does not have the number of rows that ExampleGen recorded.
        """
        examples = artifact_utils.get_single_instance(input_dict[standard_component_specs.EXAMPLES_KEY])
        options = _read_options(input_dict, exec_properties)
        reason = find_first_problem((TFDV, BEAM_EXECUTOR))
        if not reason and (runner := out_of_process_runner(get_beam_arguments(self))):
            reason = f"the Beam arguments name {runner}"
        reason = reason or _find_unsupported(examples, options, exec_properties)
        if not reason:
            try:
                self._compute(examples, output_dict, exec_properties, options)
            except TooManyDistinctError as error:
                reason = str(error)
        if reason:
            progress.warn_stock_executor("StatisticsGen", reason)
            super().Do(input_dict, output_dict, exec_properties)

    def _compute(
        self,
        examples: types.Artifact,
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
        options: tfdv.StatsOptions,
    ) -> None:
        excluded = _read_json(exec_properties, standard_component_specs.EXCLUDE_SPLITS_KEY) or []
        names = artifact_utils.decode_split_names(examples.split_names)
        splits = [name for name in names if name not in excluded]
        if not splits:
            raise ValueError(f"{examples.uri}: all splits of {names} are excluded by exclude_splits={excluded}")
        results: dict[str, statistics_pb2.DatasetFeatureStatisticsList] = {}
        for split in splits:
            rows_done_before = sum(int(result.datasets[0].num_examples) for result in results.values())
            results[split] = _compute_split_statistics(examples, split, options, rows_done_before)

        outputs = output_dict[standard_component_specs.STATISTICS_KEY]
        _set_artifact_properties(artifact_utils.get_single_instance(outputs), examples, splits)
        for split, result in results.items():
            path = f"{artifact_utils.get_split_uri(outputs, split)}/{stock.DEFAULT_FILE_NAME}"
            io_utils.write_bytes_file(path, result.SerializeToString(deterministic=True))


class StatisticsGen(component.StatisticsGen):
    """`tfx.components.StatisticsGen` with the fast executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(FastStatisticsExecutor)

    @classmethod
    def get_class_type(cls) -> str:
        """The type that ML Metadata records: that of the standard component, whose contract this is."""
        return component.StatisticsGen.get_class_type()


def _read_options(input_dict: dict[str, list[types.Artifact]], exec_properties: dict[str, Any]) -> tfdv.StatsOptions:
    text = exec_properties.get(standard_component_specs.STATS_OPTIONS_JSON_KEY)
    options = tfdv.StatsOptions.from_json(text) if text else tfdv.StatsOptions()
    if schemas := input_dict.get(standard_component_specs.SCHEMA_KEY):
        if options.schema:
            raise ValueError("a schema is both an input and in stats_options; remove one of them")
        path = io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(schemas))
        options.schema = io_utils.SchemaReader().read(path)
    return options


def _find_unsupported(examples: types.Artifact, options: tfdv.StatsOptions, exec_properties: dict[str, Any]) -> str:
    """Why the stock executor is needed; empty if it is not."""
    payload = examples_utils.get_payload_format(examples)
    if payload != example_gen_pb2.FORMAT_TF_EXAMPLE:
        return f"the payload is {example_gen_pb2.PayloadFormat.Name(payload)}"
    if (file_format := examples_utils.get_file_format(examples)) != "tfrecords_gzip":
        return f"the file format is {file_format}"
    if examples.has_custom_property(examples_utils.CUSTOM_SPLIT_PATTERN_PROPERTY_NAME):
        return "the examples have custom split patterns"
    if exec_properties.get(standard_component_specs.SHARDED_STATS_OUTPUT_KEY):
        return "sharded output"
    if _read_json(exec_properties, standard_component_specs.SAMPLE_RATE_BY_SPLIT_KEY):
        return "sample_rate_by_split"
    return list_unsupported_options(options)


def _read_json(exec_properties: dict[str, Any], key: str) -> Any:
    return json_utils.loads(exec_properties.get(key) or "null")


def _compute_split_statistics(
    examples: types.Artifact, split: str, options: tfdv.StatsOptions, rows_done_before: int
) -> statistics_pb2.DatasetFeatureStatisticsList:
    (pattern,) = examples_utils.get_split_file_patterns([examples], split)
    result = compute_statistics(_read_batches(sorted(fileio.glob(pattern)), rows_done_before), options)
    rows = int(result.datasets[0].num_examples)
    # A gzip file that was truncated between two records can be read like a complete one.
    recorded = f"rows_split_{split}"
    if examples.has_custom_property(recorded) and examples.get_int_custom_property(recorded) != rows:
        raise RuntimeError(
            f"{pattern} has {rows} examples, but ExampleGen wrote {examples.get_int_custom_property(recorded)};"
            " run ExampleGen again"
        )
    logging.info("Statistics of split %s: %d examples", split, rows)
    return result


def _read_batches(files: list[str], rows_done_before: int) -> Iterator[pa.RecordBatch]:
    rows = rows_done_before
    for batch in read_examples(files):
        yield decode_examples(batch)
        rows += len(batch)
        progress.report(rows)


def _set_artifact_properties(statistics: types.Artifact, examples: types.Artifact, splits: list[str]) -> None:
    """Sets the properties that the stock executor sets."""
    statistics.split_names = artifact_utils.encode_split_names(splits)
    statistics.span = examples.span
    statistics.set_string_custom_property(
        stock.STATS_DASHBOARD_LINK, stats_utils.generate_stats_dashboard_link(statistics)
    )
    statistics.set_json_value_custom_property(
        stock.SAMPLE_RATE_BY_SPLIT_PROPERTY_NAME, json_utils.dumps(dict.fromkeys(splits, 1.0))
    )
