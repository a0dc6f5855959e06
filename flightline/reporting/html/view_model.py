"""The texts and tables of a report page: the verdict in words, the key figures, the rows of the tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flightline.errors import EXIT_OK, DataBlocked, Interrupted, NotBlessed, UsageError
from flightline.executors.data_gate.findings import Finding
from flightline.metadata.evaluation import (
    COUNT_METRICS,
    LOWER_IS_BETTER,
    ONE_IS_BEST,
    OVERALL,
    Evaluation,
    MissedThreshold,
)
from flightline.reporting.html.charts.slices import SliceGroup, group_slices, natural_sort_key
from flightline.reporting.html.data import Feature, ReportData
from flightline.reporting.html.svg import format_duration, format_number
from flightline.reporting.summary import Summary

MAX_FEATURES_DRAWN, MAX_SLICES_LISTED = 150, 400  # on the page; report.json has all


@dataclass(frozen=True)
class Verdict:
    """How a run ended. `tone` is good, bad or unsure; `sign` repeats it for readers who see no colour."""

    tone: str
    sign: str
    title: str
    sentence: str


@dataclass(frozen=True)
class KeyFigure:
    """A number at the top of the page."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class MetricRow:
    """A metric on all rows.

    Attributes:
        better: whether it is better than the champion's; None where they are equal, or there is none to compare.
        bound, missed_bound: the bounds of the value as text, and whether it is outside of them.
        missed_difference: the threshold on the difference to the champion, as text, where it was missed; else empty.
        worst_slice: name and value; None where no slice has enough rows.
    """

    name: str
    value: float
    champion: float | None
    better: bool | None
    bound: str
    missed_bound: bool
    missed_difference: str
    worst_slice: tuple[str, float] | None


def run_verdict(summary: Summary | None) -> Verdict:
    """How a run ended, in a few words."""
    if summary is None:
        sentence = "The run left no summary: it is still running, or was killed."
        return Verdict("unsure", "?", "No result", sentence)
    if summary.exit_code == EXIT_OK:
        if summary.release:
            sentence = f"{_blessing_sentence(summary.evaluation)} Release {Path(summary.release).name}.".strip()
            return Verdict("good", "✓", "Released", sentence)
        if summary.span and summary.span.note:
            return Verdict("good", "✓", "Ingested", _as_sentence(summary.span.note))
        return Verdict("good", "✓", "Done", "Only a part of the DAG ran; it does not include a release.")
    titles = {
        DataBlocked.exit_code: "Stopped by the data gate",
        NotBlessed.exit_code: "Not released",
        Interrupted.exit_code: "Interrupted",
        UsageError.exit_code: "Could not run",
    }
    tone = "unsure" if summary.exit_code == Interrupted.exit_code else "bad"
    return Verdict(tone, "✕", titles.get(summary.exit_code, "Failed"), _as_sentence(summary.failure))


def _as_sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _blessing_sentence(evaluation: Evaluation | None) -> str:
    if evaluation is None or evaluation.blessed is None:
        return ""
    if evaluation.champion:
        differences = "; ".join(difference.description for difference in evaluation.differences)
        measured = f": {differences}" if differences else ""
        return f"All thresholds met, those on the difference to the champion included{measured}."
    if evaluation.champion_load_error:
        return f"All thresholds met; the champion could not be loaded: {evaluation.champion_load_error}."
    return "All thresholds met; there was no champion to compare with."


def key_figures(data: ReportData) -> list[KeyFigure]:
    """The numbers at the top of the page."""
    figures = []
    evaluation = data.summary.evaluation if data.summary else None
    rows = metric_rows(evaluation) if evaluation else []
    for row in [row for row in rows if row.bound][:3] or rows[:2]:
        champion = f"champion {row.champion:.4f}" if row.champion is not None else ""
        figures.append(KeyFigure(row.name, f"{row.value:.4f}", ", ".join(filter(None, [row.bound, champion]))))
    if data.summary and data.summary.rows:
        rejected = sum(data.summary.rows.rejected.values())
        figures.append(
            KeyFigure("rows read", format_number(data.summary.rows.read), f"{format_number(rejected)} rejected")
        )
    cpu = sum(step.cpu_seconds or 0.0 for step in data.steps)
    figures.append(KeyFigure("time", format_duration(data.seconds), f"{format_duration(cpu)} of CPU" if cpu else ""))
    return figures


def metric_rows(evaluation: Evaluation) -> list[MetricRow]:
    """The metrics on all rows: those with a threshold first."""
    overall, champion = evaluation.metrics.get(OVERALL, {}), evaluation.champion.get(OVERALL, {})
    on_all_rows = [miss for miss in evaluation.missed_thresholds if miss.slice == OVERALL]
    missed_bounds = {miss.metric for miss in on_all_rows if not miss.against_champion}
    missed_differences = {miss.metric: _required_difference(miss) for miss in on_all_rows if miss.against_champion}
    names = sorted(set(overall) - COUNT_METRICS, key=lambda name: (name not in evaluation.bounds, name))
    return [
        MetricRow(
            name,
            overall[name],
            champion.get(name),
            is_better(name, overall[name], champion[name]) if name in champion else None,
            evaluation.bounds.get(name, ""),
            name in missed_bounds,
            missed_differences.get(name, ""),
            evaluation.worst_slice(name, min_slice_size=evaluation.min_slice_rows),
        )
        for name in names
    ]


def _required_difference(miss: MissedThreshold) -> str:
    measure = (
        "difference" if miss.confidence is None else f"lower end of the difference ({miss.confidence:.0%} interval)"
    )
    return f"{measure} {miss.comparison} {miss.threshold:.4g}"


def is_better(metric: str, value: float, other: float) -> bool | None:
    """Whether `value` is better than `other`; None where they are equal to four decimal places."""
    if round(value, 4) == round(other, 4):
        return None
    if metric in ONE_IS_BEST:
        return abs(value - 1) < abs(other - 1)
    return value < other if metric in LOWER_IS_BETTER else value > other


@dataclass(frozen=True)
class SliceTable:
    """The table of every metric of every slice; `dropped` is the number of slices without a row."""

    metrics: list[str]
    names: list[str]
    dropped: int


def slice_table(evaluation: Evaluation) -> SliceTable:
    metrics = [row.name for row in metric_rows(evaluation)]
    names = [name for name in evaluation.metrics if name != OVERALL]
    largest = sorted(names, key=lambda name: -evaluation.metrics[name].get("example_count", 0))[:MAX_SLICES_LISTED]
    return SliceTable(metrics, sorted(largest, key=natural_sort_key), len(names) - len(largest))


def slices_to_draw(evaluation: Evaluation) -> tuple[str, list[SliceGroup]]:
    """The metric of the charts by slice (the first one with a threshold), and their slices."""
    rows = metric_rows(evaluation)
    return (rows[0].name, group_slices(evaluation)) if rows else ("", [])


def features_to_draw(data: ReportData) -> list[Feature]:
    """The features that get a chart: the label, those with findings, then those with the largest shifts."""
    if len(data.features) <= MAX_FEATURES_DRAWN:
        return data.features
    shifts = {shift.feature: shift.distance for shift in (data.changes.feature_shifts if data.changes else [])}
    findings = findings_by_feature(data.summary.findings if data.summary else [])

    def sort_key(feature: Feature) -> tuple[bool, bool, float, str]:
        name = feature.name
        return feature.role != "label", name not in findings, -shifts.get(name, 0.0), name

    return sorted(data.features, key=sort_key)[:MAX_FEATURES_DRAWN]


def findings_by_feature(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    by_feature: dict[str, list[Finding]] = {}
    for finding in findings:
        by_feature.setdefault(finding.feature, []).append(finding)
    return by_feature


def split_paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, which empty lines separate."""
    return [" ".join(part.split()) for part in text.split("\n\n") if part.strip()]


def format_timestamp(milliseconds: int) -> str:
    """A time of ML Metadata (milliseconds since the epoch) in this machine's time zone; a dash for 0."""
    return f"{datetime.fromtimestamp(milliseconds / 1000).astimezone():%d %B %Y, %H:%M %Z}" if milliseconds else "–"
