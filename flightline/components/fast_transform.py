"""The standard Transform component, executed in this process instead of on Beam.

Reads Examples, the Schema and, where there is one, the analyzer cache of an earlier run. Writes what
`tfx.components.Transform` writes: the transform graph, the transformed examples, the analyzer cache, and statistics,
schemas and anomalies of the data before and after the transformation. Input that it does not support goes to the stock
executor, with a warning that says why.
"""

import contextlib
import functools
import posixpath
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import tensorflow_data_validation as tfdv
import tensorflow_transform as tft
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import TFTransformOutput, tf2_utils
from tfx import types
from tfx.components.transform import component as stock_component
from tfx.components.transform import executor as stock
from tfx.components.transform import labels, stats_options_util
from tfx.components.util import value_utils
from tfx.dsl.components.base import executor_spec
from tfx.proto import example_gen_pb2

from flightline.components.tfx_internals.beam_executor import BEAM_EXECUTOR, get_beam_arguments
from flightline.components.tfx_internals.transform import TRANSFORM, TransformProcessor, get_output_prefix
from flightline.executors import progress
from flightline.executors.beam_runner import out_of_process_runner
from flightline.executors.tfdv_internals import TFDV
from flightline.executors.transform.engine import run_transform
from flightline.executors.transform.job import SplitSource, StatisticsJob, StatisticsPaths, TransformJob
from flightline.executors.transform.supported import UnsupportedTransformError
from flightline.executors.transform.tft_internals import TENSORFLOW, TFT
from flightline.utils.private_api import find_first_problem

_PRIVATE_APIS = (TRANSFORM, BEAM_EXECUTOR, TFT, TENSORFLOW, TFDV)


class FastTransformExecutor(stock.Executor):
    """The stock executor, which does not use Beam for what `flightline.executors.transform` supports."""

    def Do(  # noqa: N802 - overrides
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Transforms; the stock executor documents the arguments and what is raised."""
        if problem := find_first_problem(_PRIVATE_APIS):
            progress.warn_stock_executor("Transform", problem)
            super().Do(input_dict, output_dict, exec_properties)
            return
        # A class and not a function: where Beam is used, the stock executor reads its DoFns from the class.
        processor = type("TransformProcessor", (_FastTransformProcessor,), {"beam_arguments": get_beam_arguments(self)})
        with TRANSFORM.replace("TransformProcessor", processor):
            super().Do(input_dict, output_dict, exec_properties)


class Transform(stock_component.Transform):
    """`tfx.components.Transform` with the fast executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(FastTransformExecutor)

    @classmethod
    def get_class_type(cls) -> str:
        """The type that ML Metadata records: that of the standard component, whose contract this is."""
        return stock_component.Transform.get_class_type()


class _FastTransformProcessor(TransformProcessor):
    """The stock processor, which resolves inputs and loads the user's code, with TFT's work done in this process."""

    beam_arguments: ClassVar[list[str]]

    def Transform(self, inputs: Any, outputs: Any, status_file: str | None = None) -> None:  # noqa: N802 - overrides
        with _skip_inspection(inputs, outputs):
            super().Transform(inputs, outputs, status_file)

    def run_without_beam(self, arguments: dict[str, Any]) -> bool:
        try:
            run_transform(_build_job(arguments, self.beam_arguments), progress.report)
        except UnsupportedTransformError as reason:
            progress.warn_stock_executor("Transform", reason)
            return False
        return True

    def run_on_beam(self, arguments: dict[str, Any]) -> Any:
        with _replace_inspection(_STOCK_INSPECTION):
            return super().run_on_beam(arguments)


_STOCK_INSPECTION = tft.get_analyze_input_columns


@contextlib.contextmanager
def _replace_inspection(function: Callable[..., list[str]]) -> Iterator[None]:
    """Inside the block, the stock processor calls `function` to find out which columns are analyzed."""
    original = tft.get_analyze_input_columns
    tft.get_analyze_input_columns = function
    try:
        yield
    finally:
        tft.get_analyze_input_columns = original


def _skip_inspection(inputs: dict[str, Any], outputs: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
    """The stock processor traces the preprocessing_fn only to see whether it can skip the data altogether.

    It cannot where statistics or transformed examples are wanted, and the engine traces the function anyway.
    """
    materialized = value_utils.GetValues(outputs, labels.TRANSFORM_MATERIALIZE_OUTPUT_PATHS_LABEL)
    if value_utils.GetSoleValue(inputs, labels.DISABLE_STATISTICS_LABEL) and not materialized:
        return contextlib.nullcontext()
    return _replace_inspection(lambda *_args, **_kwargs: [])


def _build_job(arguments: dict[str, Any], beam_arguments: list[str]) -> TransformJob:
    """Translates the arguments of the stock processor's `_RunBeamImpl`.

    Raises:
        UnsupportedTransformError: only Beam can do this.
    """
    datasets = [*arguments["analyze_data_list"], *arguments["transform_data_list"]]
    _check_formats(arguments, datasets)
    if runner := out_of_process_runner(beam_arguments):
        raise UnsupportedTransformError(f"the Beam arguments name {runner}")
    transform_splits = [
        SplitSource(data.dataset_key, data.file_pattern, get_output_prefix(data))
        for data in arguments["transform_data_list"]
    ]
    return TransformJob(
        preprocessing_fn=arguments["preprocessing_fn"],
        schema=arguments["input_dataset_metadata"].schema,
        specs=datasets[0].tfxio.TensorAdapter().OriginalTypeSpecs(),
        analyze_splits=[SplitSource(data.dataset_key, data.file_pattern) for data in arguments["analyze_data_list"]],
        transform_splits=transform_splits,
        output_dir=arguments["transform_output_path"],
        temp_dir=arguments["temp_path"],
        cache_input_dir=arguments["input_cache_dir"],
        cache_output_dir=arguments["output_cache_dir"],
        save_options=arguments["save_options"],
        statistics=None if arguments["disable_statistics"] else _build_statistics_job(arguments),
    )


def _check_formats(arguments: dict[str, Any], datasets: list[Any]) -> None:
    if tf2_utils.use_tf_compat_v1(arguments["force_tf_compat_v1"]):
        raise UnsupportedTransformError("force_tf_compat_v1 is set")
    if arguments["raw_examples_data_format"] != example_gen_pb2.FORMAT_TF_EXAMPLE:
        name = example_gen_pb2.PayloadFormat.Name(arguments["raw_examples_data_format"])
        raise UnsupportedTransformError(f"the payload of the examples is {name}, not tf.Example")
    for data in datasets:
        if data.file_format != labels.FORMAT_TFRECORD:
            raise UnsupportedTransformError(f"{data.file_pattern} is {data.file_format}, not {labels.FORMAT_TFRECORD}")
    if arguments["per_set_stats_output_paths"]:
        raise UnsupportedTransformError("statistics of each split are wanted")


def _build_statistics_job(arguments: dict[str, Any]) -> StatisticsJob:
    options = functools.partial(TRANSFORM.InvokeStatsOptionsUpdaterFn, arguments["stats_options_updater_fn"])
    kind = stats_options_util.StatsType

    def post_options(schema: schema_pb2.Schema, asset_map: dict[str, str]) -> tfdv.StatsOptions:
        return options(kind.POST_TRANSFORM, schema, asset_map, arguments["transform_output_path"])

    pre_paths, post_paths = _build_statistics_paths(arguments["stats_output_paths"], arguments["transform_output_path"])
    pre_options = options(kind.PRE_TRANSFORM, arguments["input_dataset_metadata"].schema)
    return StatisticsJob(pre_options, post_options, pre_paths, post_paths)


def _build_statistics_paths(directories: dict[str, str], output_dir: str) -> tuple[StatisticsPaths, StatisticsPaths]:
    """Paths before and after the transformation: in their own artifacts, else in the transform graph as in old TFX."""
    pre = f"{output_dir}/{posixpath.dirname(TFTransformOutput.PRE_TRANSFORM_FEATURE_STATS_PATH)}"
    post = f"{output_dir}/{posixpath.dirname(TFTransformOutput.POST_TRANSFORM_FEATURE_STATS_PATH)}"

    def path(label: str, fallback: str, name: str) -> str:
        return f"{directories.get(label, fallback)}/{name}"

    return (
        StatisticsPaths(
            path(labels.PRE_TRANSFORM_OUTPUT_STATS_PATH_LABEL, pre, stock.STATS_FILE),
            path(labels.PRE_TRANSFORM_OUTPUT_SCHEMA_PATH_LABEL, pre, TRANSFORM.SCHEMA_FILE),
        ),
        StatisticsPaths(
            path(labels.POST_TRANSFORM_OUTPUT_STATS_PATH_LABEL, post, stock.STATS_FILE),
            path(labels.POST_TRANSFORM_OUTPUT_SCHEMA_PATH_LABEL, post, TRANSFORM.SCHEMA_FILE),
            path(labels.POST_TRANSFORM_OUTPUT_ANOMALIES_PATH_LABEL, post, TRANSFORM.ANOMALIES_FILE),
        ),
    )
