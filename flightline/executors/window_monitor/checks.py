"""Everything that is held against a threshold on a window, from what the steps before have computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.evaluation import METRIC_DIRECTION
from flightline.config.monitoring import MonitoringConfig
from flightline.executors.window_monitor.columns import ANSWER, SERVED, VERSION
from flightline.executors.window_monitor.distances import Statistics, drift, prediction_drift, skew
from flightline.executors.window_monitor.measures import Measure, MonitoringResult, Side, Window
from flightline.metadata.evaluation import OVERALL, metric_key

VersionMetrics = Mapping[str, Mapping[str, float]]
SliceMetrics = Sequence[tuple[Sequence[tuple[str, str]], Mapping[str, float]]]
"""(feature, value) pairs of a slice, and metric → value."""


_TWO_CLASS_METRICS = {metric_key("AUC"), metric_key("AUCPrecisionRecall")}  # of one, TFMA says 0, which is no value


@dataclass(frozen=True)
class Baselines:
    """What a window is held against.

    Attributes:
        released: version → metric → value at its own evaluation.
        training: statistics of what the release was trained on, of each span where it was a window of them.
        previous: statistics of the window before; None where there are none.
    """

    released: VersionMetrics
    schema: schema_pb2.Schema
    training: Sequence[Statistics] = ()
    previous: Statistics | None = None


def check_window(
    window: Window, served: Statistics | None, metrics: SliceMetrics, held: Baselines, config: MonitoringConfig
) -> MonitoringResult:
    """All measures of a window.

    Args:
        served: statistics of the answered rows.
        metrics: what the Evaluator measured on the labelled rows.
    """
    measures = [*_check_requests(window, config)]
    if served is not None and window.answered >= config.min_rows:
        if held.training:
            measures += skew(served, held.training, held.schema, config)
        if held.previous is not None and held.previous.num_examples >= config.min_rows:
            measures += drift(served, held.previous, held.schema)
            measures += prediction_drift(served, held.previous, config)
    by_version, slices = _split_by_version(metrics)
    for versions in by_version.values():
        for version in versions.keys() & set(window.single_class_versions):
            versions[version] = {n: value for n, value in versions[version].items() if n not in _TWO_CLASS_METRICS}
    measures += _check_performance(window, by_version.get(SERVED, {}), held.released, config)
    return MonitoringResult(window, measures, by_version, slices)


def skipped_checks(window: Window, config: MonitoringConfig) -> list[str]:
    """What a window has too little for, in words."""
    found = []
    if window.answered < config.min_rows:
        found.append(
            f"{window.answered:,} answered rows: skew and drift are not judged below {config.min_rows:,}"
            " (monitoring.min_rows)"
        )
    labelled = max(window.labelled.get(SERVED, {}).values(), default=0)
    if config.performance and labelled < config.min_labels:
        found.append(
            f"{labelled:,} labels: performance is not judged below {config.min_labels:,} of a release"
            " (monitoring.min_labels)"
        )
    found += [
        f"the labels of release {version} are all the same: it has no AUC" for version in window.single_class_versions
    ]
    return found


def _check_requests(window: Window, config: MonitoringConfig) -> Iterator[Measure]:
    asked = window.asked
    if asked or window.until - window.since >= config.no_traffic_after_s * 1e6:
        yield Measure("silent", "", float(asked), 1.0, "below", "the number of requests", "", asked)
    if asked:
        outcomes = (("refused", config.max_invalid_requests), ("failed", config.max_failed_requests))
        for outcome, limit in outcomes:
            share = window.requests.get(outcome, 0) / asked
            yield Measure(outcome, "", share, limit, "above", f"the share of requests that {outcome}", "", asked)
    if rows := window.answered + window.lost:
        yield Measure("lost", "", window.lost / rows, config.max_lost_rows, "above", "the share of rows lost", "", rows)
    if config.latency_p99_ms is not None and "p99" in window.latency_ms:
        p99 = window.latency_ms["p99"]
        yield Measure("latency", "", p99, config.latency_p99_ms, "above", "the 99th percentile in ms", "", asked)


def _split_by_version(
    metrics: SliceMetrics,
) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, dict[str, float]]]:
    """Answer → version → metrics, and slice → metrics of the served answers; slices of both together say nothing."""
    by_version: dict[str, dict[str, dict[str, float]]] = {}
    slices: dict[str, dict[str, float]] = {}
    for pairs, values in metrics:
        parts = dict(pairs)
        answer = parts.pop(ANSWER, "")
        if answer and set(parts) == {VERSION}:
            by_version.setdefault(answer, {})[parts[VERSION]] = dict(values)
        elif answer == SERVED:
            slices[",".join(f"{key}={value}" for key, value in parts.items()) or OVERALL] = dict(values)
    return by_version, slices


def _check_performance(
    window: Window, metrics: VersionMetrics, released: VersionMetrics, config: MonitoringConfig
) -> Iterator[Measure]:
    """One for each metric, of the release that did worst: which one answers changes, the alert stays."""
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
            yield replace(worst, subject=metric, measure=f"of release {version}, the value", rows=rows)


def _check_metric(
    metric: str,
    version: str,
    values: Mapping[str, float],
    released_metrics: Mapping[str, float],
    config: MonitoringConfig,
) -> Iterator[Measure]:
    bounds, key, sign = config.performance[metric], metric_key(metric), METRIC_DIRECTION[metric]
    limits = [] if bounds.bound is None else [(bounds.bound, "")]
    if bounds.drop is not None and key in released_metrics:
        limits.append((released_metrics[key] - sign * bounds.drop, f"{released_metrics[key]:.4g} when it was released"))
    if key in values and limits:
        threshold, against = max(limits) if sign > 0 else min(limits)
        side: Side = "below" if sign > 0 else "above"
        yield Measure("performance", f"{metric}@{version}", values[key], threshold, side, "", against)
