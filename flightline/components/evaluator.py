"""TFX's Evaluator that slices numeric columns by bins and limits the gaps between slices, on every engine.

Reads and writes what the standard Evaluator does, and the training statistics where bins are quantiles. TFMA computes
and validates as usual. After it has written its results, the gaps are measured in them and written next to them; gaps
above their limit become failures of TFMA's validation, and TFX then does not bless the model.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import posixpath
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_model_analysis as tfma
from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tfx import types
from tfx.components.evaluator import component
from tfx.dsl.components.base import executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types import standard_component_specs as keys
from tfx.types.component_spec import ChannelParameter

from flightline.components import bin_extractor
from flightline.components.tfx_internals.beam_executor import BEAM_EXECUTOR
from flightline.components.tfx_internals.evaluator import EvaluatorExecutor
from flightline.config.evaluation import BinSettings, GapBounds
from flightline.errors import StepFailed
from flightline.executors.evaluator import bins as bins_module
from flightline.executors.evaluator import slice_gaps
from flightline.executors.evaluator.bins import Edges, resolve_edges
from flightline.executors.evaluator.result_reader import CANDIDATE, has_baseline, read_slices, slice_name
from flightline.metadata.evaluation import SliceGap

# Execution properties that the standard Evaluator does not have.
BINS_PROPERTY, GAPS_PROPERTY = "bins", "gaps"
_VALIDATIONS_FILE = "validations.tfrecord"
_STATISTICS_CHANNEL = ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True)


class SliceGapExecutor(EvaluatorExecutor):
    """The stock executor, which resolves bins before TFMA's work and checks gaps after it."""

    _edges: Edges
    _gaps: Mapping[str, Sequence[GapBounds]]
    _evaluation: types.Artifact | None = None

    def Do(  # noqa: N802 - overrides
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates and blesses; the stock executor documents the arguments.

        Raises:
            StepFailed: bins are quantiles, and the statistics have none of the column.
            PrivateApiChanged: gaps are limited, and the installed TFX has no place to check them.
        """
        self._edges = _read_edges(input_dict, exec_properties)
        self._gaps = slice_gaps.gaps_from_property(exec_properties.get(GAPS_PROPERTY))
        self._evaluation = artifact_utils.get_single_instance(output_dict[keys.EVALUATION_KEY])
        if self._gaps:
            BEAM_EXECUTOR.require()  # without its method that makes the pipeline, no gap would be checked
        self._evaluate(input_dict, output_dict, exec_properties)

    def _evaluate(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        if self._edges:
            exec_properties = {**exec_properties, "custom_extractors": bin_extractor.EXTRACTORS_PATH}
        with bins_module.use_edges(self._edges):
            super().Do(input_dict, output_dict, exec_properties)

    def make_evaluation_pipeline(self) -> AbstractContextManager[beam.Pipeline]:
        return self._check_gaps_after(self.make_tfma_pipeline())

    def make_tfma_pipeline(self) -> AbstractContextManager[beam.Pipeline]:
        """The pipeline that computes and writes TFMA's results."""
        return super().make_evaluation_pipeline()

    @contextlib.contextmanager
    def _check_gaps_after(self, tfma_pipeline: AbstractContextManager[beam.Pipeline]) -> Iterator[beam.Pipeline]:
        """The results are complete when the pipeline has ended; TFX reads the validation right after that."""
        with tfma_pipeline as pipeline:
            yield pipeline
        if self._gaps and self._evaluation is not None:
            gaps = enforce_gap_limits(self._evaluation.uri, self._gaps)
            self._evaluation.set_string_custom_property(GAPS_PROPERTY, "; ".join(gap.description for gap in gaps))


class SliceGapEvaluator(component.Evaluator):
    """`tfx.components.Evaluator` with bins and gaps.

    Args:
        bins: column → the bins that slice it.
        gaps: metric → how far the values of two slices may be apart.
        statistics: ExampleStatistics with a split `train`; read where bins are quantiles.
        evaluator_args: arguments of `tfx.components.Evaluator`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(SliceGapExecutor)

    def __init__(
        self,
        bins: Mapping[str, BinSettings] | None = None,
        gaps: Mapping[str, Sequence[GapBounds]] | None = None,
        statistics: types.BaseChannel | None = None,
        **evaluator_args: Any,
    ) -> None:
        super().__init__(**evaluator_args)
        if bins:
            self.spec.exec_properties[BINS_PROPERTY] = bins_module.bins_to_property(bins)
        if gaps:
            self.spec.exec_properties[GAPS_PROPERTY] = slice_gaps.gaps_to_property(gaps)
        if statistics is not None and any(column_bins.quantiles for column_bins in (bins or {}).values()):
            self.spec.inputs[keys.STATISTICS_KEY] = statistics
            self.spec.INPUTS = {
                **self.spec.INPUTS,
                keys.STATISTICS_KEY: _STATISTICS_CHANNEL,
            }  # the inputs that TFX allows

    @classmethod
    def get_class_type(cls) -> str:
        """The type that ML Metadata records: that of the standard component, whose contract this is."""
        return component.Evaluator.get_class_type()


def make_evaluator(
    bins: Mapping[str, BinSettings] | None = None,
    gaps: Mapping[str, Sequence[GapBounds]] | None = None,
    statistics: types.BaseChannel | None = None,
    **evaluator_args: Any,
) -> component.Evaluator:
    """TFX's own Evaluator, or `SliceGapEvaluator` where there are bins or gaps."""
    if bins or gaps:
        return SliceGapEvaluator(bins, gaps, statistics, **evaluator_args)
    return component.Evaluator(**evaluator_args)


def enforce_gap_limits(uri: str, bounds: Mapping[str, Sequence[GapBounds]]) -> list[SliceGap]:
    """Measures the gaps in the results at `uri`, writes them there, and fails the validation where one is too wide."""
    model = CANDIDATE if has_baseline(uri) else None
    gaps = slice_gaps.measure_gaps(bounds, read_slices(uri, model))
    with tf.io.gfile.GFile(posixpath.join(uri, slice_gaps.GAPS_FILE), "w") as file:
        file.write(json.dumps([dataclasses.asdict(gap) for gap in gaps], indent=2, sort_keys=True) + "\n")
    missed = [gap for gap in gaps if not gap.within_limit]
    if not missed:
        return gaps
    by_name = {slice_name(key): key for key, _ in tfma.load_eval_result(uri, model_name=model).slicing_metrics}
    validation = tfma.load_validation_result(uri)
    validation.validation_ok = False
    for gap in missed:
        failure = validation.metric_validations_per_slice.add()
        # TFMA's own form of a comparison of two slices: the first is the baseline.
        key = (by_name.get(gap.best, ()), by_name.get(gap.worst, ()))
        failure.cross_slice_key.CopyFrom(slicer_lib.serialize_cross_slice_key(key))
        _fill_failure(failure.failures.add(message=gap.description), gap)
    with tf.io.TFRecordWriter(posixpath.join(uri, _VALIDATIONS_FILE)) as writer:
        writer.write(validation.SerializeToString(deterministic=True))
    return gaps


def _fill_failure(failure: Any, gap: SliceGap) -> None:
    failure.metric_key.name = gap.metric
    failure.metric_threshold.value_threshold.upper_bound.value = gap.max_gap
    if gap.value is not None:
        failure.metric_value.double_value.value = gap.value


def _read_edges(inputs: Mapping[str, Sequence[types.Artifact]], properties: Mapping[str, Any]) -> Edges:
    bins = bins_module.bins_from_property(properties.get(BINS_PROPERTY))
    statistics = list(inputs.get(keys.STATISTICS_KEY) or ())
    # A window has the statistics of several spans: the newest is closest to the data to come.
    training = _read_training_statistics(statistics[-1]) if statistics else None
    try:
        return resolve_edges(bins, training)
    except ValueError as error:
        raise StepFailed(f"evaluation.bins: {error}", "list the edges of these bins in the config") from error


def _read_training_statistics(statistics: types.Artifact) -> statistics_pb2.DatasetFeatureStatistics:
    uri = artifact_utils.get_split_uri([statistics], "train")
    with tf.io.gfile.GFile(posixpath.join(uri, "FeatureStats.pb"), "rb") as file:
        return statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read()).datasets[0]
