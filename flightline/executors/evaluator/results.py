"""From filled accumulators to TFMA's results: derived metrics, differences to the baseline, validation."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_specs, metric_types
from tensorflow_model_analysis.proto import config_pb2, validation_result_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.utils import model_util
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as stock_writer

from flightline.executors.evaluator.accumulators import make_accumulator_filler
from flightline.executors.evaluator.rebinning import fast_rebinning
from flightline.executors.evaluator.scoring import Scores
from flightline.executors.evaluator.slicing import SliceKey
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError
from flightline.executors.evaluator.tfma_internals import TFMA

# TFMA's MetricsDict: by metric, plot or attributions key, the value.
Metrics = dict[Any, Any]
# The key is of a slice, or (baseline, comparison) of two that are compared.
SlicedMetrics = tuple[SliceKey | tuple[SliceKey, SliceKey], Metrics]


def compute_metrics(
    eval_config: config_pb2.EvalConfig, scores: Mapping[str, Scores], slices: Mapping[SliceKey, np.ndarray]
) -> list[SlicedMetrics]:
    """Compute all metrics and plots of every slice, in the order of `slices`, then those of slices that are compared.

    Args:
      eval_config: with TFMA's defaults applied.
      scores: of all rows, by model name.
      slices: row numbers by slice.

    Raises:
      UnsupportedEvaluationError: a metric needs a computation that is not supported.
    """
    computations = TFMA.filter_and_separate_computations(
        metric_specs.to_computations(list(eval_config.metrics_specs), eval_config=eval_config)
    )
    if computations.cross_slice_computations or computations.ci_derived_computations:
        raise UnsupportedEvaluationError("a metric compares slices or needs confidence intervals")
    results: dict[SliceKey, Metrics] = {key: {} for key in slices}
    for computation in computations.non_derived_computations:
        fill = make_accumulator_filler(computation, scores)
        for key, rows in slices.items():
            results[key].update(computation.combiner.extract_output(fill(rows)))
    baseline = model_util.get_baseline_model_spec(eval_config)
    with fast_rebinning():
        for metrics in results.values():
            for derived in computations.derived_computations:
                metrics.update(derived.result(metrics))
    found: list[SlicedMetrics] = [*results.items(), *_cross_slice_differences(eval_config.cross_slicing_specs, results)]
    if baseline is not None:
        for _, metrics in found:
            metrics.update(_baseline_differences(metrics, baseline.name))
    return [TFMA.remove_private_metrics(key, metrics) for key, metrics in found]


def _cross_slice_differences(
    cross_specs: Iterable[config_pb2.CrossSlicingSpec], results: Mapping[SliceKey, Metrics]
) -> Iterator[SlicedMetrics]:
    """Yields baseline minus comparison for each two slices that a spec compares (TFMA's `AddCrossSliceMetrics`)."""
    is_private = TFMA.is_private_metrics
    for cross_spec in cross_specs:
        baselines = _matching_slices([cross_spec.baseline_spec], results)
        comparisons = _matching_slices(cross_spec.slicing_specs, results)
        if not cross_spec.slicing_specs:
            comparisons = [key for key in results if key not in baselines]
        for baseline, comparison in itertools.product(baselines, comparisons):
            values = results[baseline]
            yield (
                (baseline, comparison),
                {
                    key: values[key] - value
                    for key, value in results[comparison].items()
                    if key in values
                    and not is_private(key)
                    and isinstance(key, metric_types.MetricKey)
                    and not isinstance(key, metric_types.PlotKey | metric_types.AttributionsKey)
                },
            )


def _matching_slices(specs: Iterable[config_pb2.SlicingSpec], keys: Iterable[SliceKey]) -> list[SliceKey]:
    """The slices that match one of the specs, by TFMA's own test."""
    named = [slicer_lib.SingleSliceSpec(spec=spec) for spec in specs]
    return [key for key in keys if any(spec.is_slice_applicable(key) for spec in named)]


def _baseline_differences(metrics: Metrics, baseline: str) -> Metrics:
    """Compute candidate minus baseline of every metric that both have (TFMA's `add_diff_metrics`)."""
    is_private, is_diffable = TFMA.is_private_metrics, TFMA.is_metric_diffable
    return {
        key.make_diff_key(): value - metrics[key.make_baseline_key(baseline)]
        for key, value in metrics.items()
        if not is_private(key)
        and not key.is_diff
        and key.model_name != baseline
        and key.make_baseline_key(baseline) in metrics
        and is_diffable(value)
    }


def validate_thresholds(
    eval_config: config_pb2.EvalConfig, metrics: Sequence[SlicedMetrics]
) -> validation_result_pb2.ValidationResult:
    """Check metrics (no plots) against the thresholds, as TFMA does; the blessing follows from the result."""
    combiner = stock_writer.CombineValidations(eval_config)
    accumulator = combiner.create_accumulator()
    for slice_metrics in metrics:
        validation = metrics_validator.validate_metrics(slice_metrics, eval_config)
        accumulator = combiner.add_input(accumulator, validation)
    return combiner.extract_output(accumulator)
