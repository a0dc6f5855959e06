"""The standard Transform component, executed in this process instead of on Beam.

Inputs, outputs and execution properties are those of `tfx.components.Transform`, and so are the artifacts. What the
fast way can't take is left to the stock executor, with a warning that says why.
"""

import contextlib
import functools
import inspect
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

from flightline.executors import progress
from flightline.executors.beam_runner import out_of_process_runner
from flightline.executors.transform.engine import run_transform
from flightline.executors.transform.job import SplitSource, StatisticsJob, StatisticsPaths, TransformJob
from flightline.executors.transform.supported import UnsupportedTransformError


class FastTransformExecutor(stock.Executor):
    """Stock's executor, with the Beam pipeline in the middle of it replaced."""

    def Do(  # noqa: N802 - overrides
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        # A class, not a factory: on the way back to Beam stock finds its DoFns as attributes of it.
        processor = type("TransformProcessor", (_FastTransformProcessor,), {"executor": self})
        with _replace_processor(processor):
            super().Do(input_dict, output_dict, exec_properties)


class Transform(stock_component.Transform):
    """`tfx.components.Transform` with the fast executor."""

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(FastTransformExecutor)

    @classmethod
    def get_class_type(cls) -> str:
        """The type that ML Metadata records: that of the standard component, whose contract this is."""
        return stock_component.Transform.get_class_type()


@contextlib.contextmanager
def _replace_processor(replacement: type[stock.TransformProcessor]) -> Iterator[None]:
    """Stock's `Do` makes a processor of the given class within this context."""
    original = stock.TransformProcessor
    stock.TransformProcessor = replacement
    try:
        yield
    finally:
        stock.TransformProcessor = original


class _FastTransformProcessor(stock.TransformProcessor):
    """Stock's processor up to the point where it builds a Beam pipeline: inputs resolved, user code loaded."""

    executor: ClassVar[FastTransformExecutor]

    def Transform(self, inputs: Any, outputs: Any, status_file: str | None = None) -> None:  # noqa: N802 - overrides
        with _skip_inspection(inputs, outputs):
            super().Transform(inputs, outputs, status_file)

    def _RunBeamImpl(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802 - overrides
        try:
            asked = inspect.signature(super()._RunBeamImpl).bind(*args, **kwargs).arguments
            run_transform(_build_job(asked, self.executor._beam_pipeline_args), progress.report)
        except UnsupportedTransformError as reason:
            progress.warn(f"Transform runs the stock executor, which is slower: {reason}")
            with _replace_inspection(_STOCK_INSPECTION):
                return super()._RunBeamImpl(*args, **kwargs)
        return stock._Status.OK()


_STOCK_INSPECTION = tft.get_analyze_input_columns


@contextlib.contextmanager
def _replace_inspection(function: Callable[..., list[str]]) -> Iterator[None]:
    """Stock's processor finds out with the given function which columns are analyzed."""
    before = tft.get_analyze_input_columns
    tft.get_analyze_input_columns = function
    try:
        yield
    finally:
        tft.get_analyze_input_columns = before


def _skip_inspection(inputs: dict[str, Any], outputs: dict[str, Any]) -> contextlib.AbstractContextManager[None]:
    """Stock's `Transform` traces the preprocessing_fn only to see whether there is nothing to do with the data.

    Where statistics or transformed examples are wanted there is, and the engine traces it anyway.
    """
    materialized = value_utils.GetValues(outputs, labels.TRANSFORM_MATERIALIZE_OUTPUT_PATHS_LABEL)
    if value_utils.GetSoleValue(inputs, labels.DISABLE_STATISTICS_LABEL) and not materialized:
        return contextlib.nullcontext()
    return _replace_inspection(lambda *_args, **_kwargs: [])


def _build_job(asked: dict[str, Any], beam_pipeline_args: list[str]) -> TransformJob:
    """Translates the arguments of stock's `_RunBeamImpl`; raises UnsupportedTransformError for what only Beam can do."""
    datasets = [*asked["analyze_data_list"], *asked["transform_data_list"]]
    _check_formats(asked, datasets)
    if runner := out_of_process_runner(beam_pipeline_args):
        raise UnsupportedTransformError(f"the Beam arguments name {runner}")
    transform = [
        SplitSource(data.dataset_key, data.file_pattern, data._materialize_output_path)
        for data in asked["transform_data_list"]
    ]
    return TransformJob(
        preprocessing_fn=asked["preprocessing_fn"],
        schema=asked["input_dataset_metadata"].schema,
        specs=datasets[0].tfxio.TensorAdapter().OriginalTypeSpecs(),
        analyze=[SplitSource(data.dataset_key, data.file_pattern) for data in asked["analyze_data_list"]],
        transform=transform,
        output_dir=asked["transform_output_path"],
        temp_dir=asked["temp_path"],
        cache_input_dir=asked["input_cache_dir"],
        cache_output_dir=asked["output_cache_dir"],
        save_options=asked["save_options"],
        statistics=None if asked["disable_statistics"] else _build_statistics_job(asked),
    )


def _check_formats(asked: dict[str, Any], datasets: list[Any]) -> None:
    if tf2_utils.use_tf_compat_v1(asked["force_tf_compat_v1"]):
        raise UnsupportedTransformError("it is asked to run in tf.compat.v1 mode")
    if asked["raw_examples_data_format"] != example_gen_pb2.FORMAT_TF_EXAMPLE:
        name = example_gen_pb2.PayloadFormat.Name(asked["raw_examples_data_format"])
        raise UnsupportedTransformError(f"the payload of the examples is {name}, not tf.Example")
    for data in datasets:
        if data.file_format != labels.FORMAT_TFRECORD:
            raise UnsupportedTransformError(f"{data.file_pattern} is {data.file_format}, not {labels.FORMAT_TFRECORD}")
    if asked["per_set_stats_output_paths"]:
        raise UnsupportedTransformError("statistics are wanted for each split apart")


def _build_statistics_job(asked: dict[str, Any]) -> StatisticsJob:
    options = functools.partial(stock._InvokeStatsOptionsUpdaterFn, asked["stats_options_updater_fn"])
    kind = stats_options_util.StatsType

    def post_options(schema: schema_pb2.Schema, asset_map: dict[str, str]) -> tfdv.StatsOptions:
        return options(kind.POST_TRANSFORM, schema, asset_map, asked["transform_output_path"])

    pre_paths, post_paths = _build_statistics_paths(asked["stats_output_paths"], asked["transform_output_path"])
    pre_options = options(kind.PRE_TRANSFORM, asked["input_dataset_metadata"].schema)
    return StatisticsJob(pre_options, post_options, pre_paths, post_paths)


def _build_statistics_paths(directories: dict[str, str], output_dir: str) -> tuple[StatisticsPaths, StatisticsPaths]:
    """Pre- and post-transform paths: in artifacts of their own, else within the transform graph (the old way)."""
    pre = f"{output_dir}/{posixpath.dirname(TFTransformOutput.PRE_TRANSFORM_FEATURE_STATS_PATH)}"
    post = f"{output_dir}/{posixpath.dirname(TFTransformOutput.POST_TRANSFORM_FEATURE_STATS_PATH)}"

    def path(label: str, fallback: str, name: str) -> str:
        return f"{directories.get(label, fallback)}/{name}"

    return (
        StatisticsPaths(
            path(labels.PRE_TRANSFORM_OUTPUT_STATS_PATH_LABEL, pre, stock.STATS_FILE),
            path(labels.PRE_TRANSFORM_OUTPUT_SCHEMA_PATH_LABEL, pre, stock._SCHEMA_FILE),
        ),
        StatisticsPaths(
            path(labels.POST_TRANSFORM_OUTPUT_STATS_PATH_LABEL, post, stock.STATS_FILE),
            path(labels.POST_TRANSFORM_OUTPUT_SCHEMA_PATH_LABEL, post, stock._SCHEMA_FILE),
            path(labels.POST_TRANSFORM_OUTPUT_ANOMALIES_PATH_LABEL, post, stock._ANOMALIES_FILE),
        ),
    )
