"""Compare a window with its thresholds: requests, distances between distributions, performance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.evaluation import METRIC_DIRECTION
from flightline.config.monitoring import MonitoringConfig
from flightline.executors.window_monitor.columns import SERVED, SOURCE, VERSION
from flightline.executors.window_monitor.distances import Statistics, drift, prediction_drift, skew
from flightline.executors.window_monitor.measures import Measure, MonitoringResult, Side, Window
from flightline.metadata.evaluation import OVERALL, metric_key

VersionMetrics = Mapping[str, Mapping[str, float]]
SliceMetrics = Sequence[tuple[Sequence[tuple[str, str]], Mapping[str, float]]]
"""(feature, value) pairs of a slice, and metric → value."""

# With labels of one class only, TFMA reports 0 for these metrics, which is meaningless.
_TWO_CLASS_METRICS = {metric_key("AUC"), metric_key("AUCPrecisionRecall")}


@dataclass(frozen=True)
class Baselines:
    """What a window is compared with.

    Attributes:
        released: version → metric → value in the release's own evaluation.
        schema: the release's schema, with its drift and skew comparators.
        training: statistics of the release's training data, one for each span.
        previous: statistics of the previous window; None if there are none.
    """

    released: VersionMetrics
    schema: schema_pb2.Schema
    training: Sequence[Statistics] = ()
    previous: Statistics | None = None


def check_window(
    window: Window, served: Statistics | None, metrics: SliceMetrics, baselines: Baselines, config: MonitoringConfig
) -> MonitoringResult:
    """Measure a window.

    Args:
        served: statistics of the answered rows; None if no row was answered.
        metrics: the Evaluator's metrics on the labelled rows, by slice.
    """
    measures = [*_check_requests(window, config)]
    if served is not None and window.answered_rows >= config.min_rows:
        if baselines.training:
            measures += skew(served, baselines.training, baselines.schema, config)
        if baselines.previous is not None and baselines.previous.num_examples >= config.min_rows:
            measures += drift(served, baselines.previous, baselines.schema)
            measures += prediction_drift(served, baselines.previous, config)
    by_version, slices = _split_by_version(metrics)
    for versions in by_version.values():
        for version in versions.keys() & set(window.single_class_versions):
            versions[version] = {n: value for n, value in versions[version].items() if n not in _TWO_CLASS_METRICS}
    measures += _check_performance(window, by_version.get(SERVED, {}), baselines.released, config)
    return MonitoringResult(window, measures, by_version, slices)


def skipped_checks(window: Window, config: MonitoringConfig) -> list[str]:
    """Describe the checks that a window has too few rows or labels for."""
    skipped = []
    if window.answered_rows < config.min_rows:
        skipped.append(
            f"{window.answered_rows:,} answered rows: skew and drift are not checked below {config.min_rows:,}"
            " (monitoring.min_rows)"
        )
    labelled = max(window.labelled.get(SERVED, {}).values(), default=0)
    if config.performance and labelled < config.min_labels:
        skipped.append(
            f"{labelled:,} labels: performance is not checked below {config.min_labels:,} labels of one release"
            " (monitoring.min_labels)"
        )
    skipped += [
        f"all labels of release {version} have the same value: AUC is undefined"
        for version in window.single_class_versions
    ]
    return skipped


def _check_requests(window: Window, config: MonitoringConfig) -> Iterator[Measure]:
    count = window.request_count
    if count or window.until - window.since >= config.no_traffic_after_s * 1e6:
        yield Measure("no_traffic", "", float(count), 1.0, "below", "the number of requests", "", count)
    if count:
        limits = {"invalid": config.max_invalid_requests, "failed": config.max_failed_requests}
        for outcome, limit in limits.items():
            share = window.requests.get(outcome, 0) / count
            measure = f"the share of {outcome} requests"
            yield Measure(f"{outcome}_requests", "", share, limit, "above", measure, "", count)
    if rows := window.answered_rows + window.lost_rows:
        share = window.lost_rows / rows
        yield Measure("lost_rows", "", share, config.max_lost_rows, "above", "the share of lost rows", "", rows)
    if config.max_latency_p99_ms is not None and "p99" in window.latency_ms:
        p99 = window.latency_ms["p99"]
        yield Measure("latency", "", p99, config.max_latency_p99_ms, "above", "the 99th percentile in ms", "", count)


def _split_by_version(
    metrics: SliceMetrics,
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, dict[str, float]]]:
    """Source → version → metrics, and slice → metrics of the served predictions.

    Slices that mix served and shadow predictions are left out.
    """
    by_version: dict[str, dict[str, dict[str, float]]] = {}
    slices: dict[str, dict[str, float]] = {}
    for pairs, values in metrics:
        parts = dict(pairs)
        source = parts.pop(SOURCE, "")
        if source and set(parts) == {VERSION}:
            by_version.setdefault(source, {})[parts[VERSION]] = dict(values)
        elif source == SERVED:
            slices[",".join(f"{key}={value}" for key, value in parts.items()) or OVERALL] = dict(values)
    return by_version, slices


def _check_performance(
    window: Window, metrics: VersionMetrics, released: VersionMetrics, config: MonitoringConfig
) -> Iterator[Measure]:
    """One measure for each metric: that of the worst release.

    The alert is named after the metric alone, so it persists when another release takes over.
    """
    for metric in config.performance:
        found = [
            measure
            for version, values in metrics.items()
            for measure in _check_metric(metric, version, values, released.get(version, {}), config)
            if window.labelled.get(SERVED, {}).get(version, 0) >= config.min_labels
        ]
        if found:
            worst = max(found, key=lambda measure: measure.threshold_ratio)
            version = worst.subject.partition("@")[2]
            rows = window.labelled[SERVED][version]
            yield replace(worst, subject=metric, measure=f"for release {version}, the value", rows=rows)


def _check_metric(
    metric: str,
    version: str,
    values: Mapping[str, float],
    released_metrics: Mapping[str, float],
    config: MonitoringConfig,
) -> Iterator[Measure]:
    bounds, key, sign = config.performance[metric], metric_key(metric), METRIC_DIRECTION[metric]
    limits = [] if bounds.limit is None else [(bounds.limit, "")]
    if bounds.max_drop is not None and key in released_metrics:
        at_release = released_metrics[key]
        limits.append((at_release - sign * bounds.max_drop, f"{at_release:.4g} when it was released"))
    if key in values and limits:
        threshold, compared_with = max(limits) if sign > 0 else min(limits)
        side: Side = "below" if sign > 0 else "above"
        yield Measure("performance", f"{metric}@{version}", values[key], threshold, side, "", compared_with)
