"""Everything that is held against a threshold on a window, from what the steps before have computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tensorflow_metadata.proto.v0 import schema_pb2

from models.evaluation_settings import BETTER
from pipeline.monitor.distances import Statistics, drift, prediction_drift, skew
from pipeline.monitor.measures import Measure, Monitored, Side, Window
from pipeline.monitor.settings import MonitoringConfig
from pipeline.monitor.window import ANSWER, SERVED, VERSION
from pipeline.verdict import OVERALL, metric_key

Metrics = Mapping[str, Mapping[str, float]]
Slices = Sequence[tuple[Sequence[tuple[str, str]], Mapping[str, float]]]
"""(feature, value) pairs of a slice, and metric → value."""


_OF_TWO_CLASSES = {metric_key("AUC"), metric_key("AUCPrecisionRecall")}  # of one, TFMA says 0, which is no value


@dataclass(frozen=True)
class Held:
    """What a window is held against.

    Attributes:
        released: version → metric → value at its own evaluation.
        training: statistics of what the release was trained on, of each span where it was a window of them.
        previous: statistics of the window before; None where there are none.
    """

    released: Metrics
    schema: schema_pb2.Schema
    training: Sequence[Statistics] = ()
    previous: Statistics | None = None


def judge(
    window: Window, served: Statistics | None, metrics: Slices, held: Held, config: MonitoringConfig
) -> Monitored:
    """All measures of a window.

    Args:
        served: statistics of the answered rows.
        metrics: what the Evaluator measured on the labelled rows.
    """
    measures = [*_of_requests(window, config)]
    if served is not None and window.answered >= config.min_rows:
        if held.training:
            measures += skew(served, held.training, held.schema, config)
        if held.previous is not None and held.previous.num_examples >= config.min_rows:
            measures += drift(served, held.previous, held.schema)
            measures += prediction_drift(served, held.previous, config)
    by_version, slices = _sorted_out(metrics)
    for versions in by_version.values():
        for version in versions.keys() & set(window.one_class):
            versions[version] = {n: value for n, value in versions[version].items() if n not in _OF_TWO_CLASSES}
    measures += _performance(window, by_version.get(SERVED, {}), held.released, config)
    return Monitored(window, measures, by_version, slices)


def not_judged(window: Window, config: MonitoringConfig) -> list[str]:
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
    found += [f"the labels of release {version} are all the same: it has no AUC" for version in window.one_class]
    return found


def _of_requests(window: Window, config: MonitoringConfig) -> Iterator[Measure]:
    asked = window.asked
    if asked or window.until - window.since >= config.silent_after_s * 1e6:
        yield Measure("silent", "", float(asked), 1.0, "below", "the number of requests", "", asked)
    if asked:
        outcomes = (("refused", config.max_refused), ("failed", config.max_failed))
        for outcome, limit in outcomes:
            share = window.requests.get(outcome, 0) / asked
            yield Measure(outcome, "", share, limit, "above", f"the share of requests that {outcome}", "", asked)
    if rows := window.answered + window.lost:
        yield Measure("lost", "", window.lost / rows, config.max_lost, "above", "the share of rows lost", "", rows)
    if config.latency_p99_ms is not None and "p99" in window.latency_ms:
        p99 = window.latency_ms["p99"]
        yield Measure("latency", "", p99, config.latency_p99_ms, "above", "the 99th percentile in ms", "", asked)


def _sorted_out(metrics: Slices) -> tuple[dict[str, dict[str, dict[str, float]]], dict[str, dict[str, float]]]:
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


def _performance(window: Window, metrics: Metrics, released: Metrics, config: MonitoringConfig) -> Iterator[Measure]:
    """One for each metric, of the release that did worst: which one answers changes, the alert stays."""
    for metric in config.performance:
        found = [
            measure
            for version, values in metrics.items()
            for measure in _of_release(metric, version, values, released.get(version, {}), config)
            if window.labelled.get(SERVED, {}).get(version, 0) >= config.min_labels
        ]
        if found:
            worst = max(found, key=lambda measure: measure.nearness)
            version = worst.subject.partition("@")[2]
            rows = window.labelled[SERVED][version]
            yield replace(worst, subject=metric, measure=f"of release {version}, the value", rows=rows)


def _of_release(
    metric: str, version: str, values: Mapping[str, float], at_release: Mapping[str, float], config: MonitoringConfig
) -> Iterator[Measure]:
    bounds, key, sign = config.performance[metric], metric_key(metric), BETTER[metric]
    limits = [] if bounds.bound is None else [(bounds.bound, "")]
    if bounds.drop is not None and key in at_release:
        limits.append((at_release[key] - sign * bounds.drop, f"{at_release[key]:.4g} when it was released"))
    if key in values and limits:
        threshold, against = max(limits) if sign > 0 else min(limits)
        side: Side = "below" if sign > 0 else "above"
        yield Measure("performance", f"{metric}@{version}", values[key], threshold, side, "", against)
