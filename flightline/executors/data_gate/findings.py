"""The findings of the data gate: what is wrong with the data, for a person to read."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TypeVar

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from flightline.errors import DataBlocked

RecordT = TypeVar("RecordT")
CountRows = Callable[[str, str, str], int]
"""(split, feature, kind of anomaly) → number of rows of the split with this anomaly."""


@dataclass(frozen=True)
class FeatureDrift:
    """How far the distribution of a feature is from that of the last accepted span.

    Attributes:
        measure: name of the distance: L-infinity of the shares of values, or Jensen-Shannon divergence of histograms.
        distance, threshold: from 0 to 1.
    """

    feature: str
    measure: str
    distance: float
    threshold: float


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with the data.

    Attributes:
        feature: the column, or `(rows)` if it is about whole rows.
        kind: TFDV's name of the anomaly, or `REJECTED_` and the reason.
        problem: what is wrong, as a sentence.
        rows: number of rows with this problem; 0 if it is not about single rows.
        blocks: whether it stops the run.
        overridden: whether it would have stopped the run without an override.
    """

    feature: str
    kind: str
    problem: str
    rows: int
    blocks: bool = True
    overridden: bool = False


def rejected_findings(
    accounting: Mapping[str, int], limits: Mapping[str, float], describe_reason: Callable[[str], str] = lambda _: ""
) -> list[Finding]:
    """Finds the reject reasons whose share of the rows read is above its limit.

    Args:
        describe_reason: reason → what was wrong with most of its rows; empty for no description.
        accounting: the row counts of an Examples artifact (`rows_read`, `rows_rejected_REASON`, ...).
        limits: reason → largest share; a reason without a limit must not reject any row.
    """
    read = accounting.get("rows_read", 0)
    findings = []
    for key, rows in sorted(accounting.items()):
        reason = key.removeprefix("rows_rejected_")
        limit = limits.get(reason, 0.0)
        if reason == key or rows <= limit * read:
            continue
        problem = f"{rows / read:.2%} of the rows were rejected as {reason}; the limit is {limit:.2%}"
        if example := describe_reason(reason):
            problem = f"{problem}; {example}"
        findings.append(Finding("(rows)", f"REJECTED_{reason.upper()}", problem, rows))
    if read and not any(rows for key, rows in accounting.items() if key.startswith("rows_split_")):
        findings.append(Finding("(rows)", "NO_ROWS_LEFT", "every row was rejected", read))
    return findings


def missing_findings(
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatistics], schema: schema_pb2.Schema
) -> list[Finding]:
    """Finds features that have a value in a smaller share of the rows than the schema requires.

    ExampleGen writes a missing value as an empty list, which TFDV counts as present: with TFDV alone, a column without
    any value passes `presence.min_fraction`. Values are counted here, for features with at most one value a row.
    """
    findings = []
    for feature in schema.feature:
        counted = [(s.num_examples, _count_present_rows(s, feature.name)) for s in statistics.values()]
        examples = sum(rows for rows, present in counted if present is not None)
        present = sum(present for _, present in counted if present is not None)
        wanted = feature.presence.min_fraction
        if examples and present < wanted * examples:
            problem = f"has a value in {present / examples:.2%} of the rows; the schema requires {wanted:.2%}"
            findings.append(Finding(feature.name, "MISSING_VALUES", problem, examples - present))
    return findings


def _count_present_rows(statistics: statistics_pb2.DatasetFeatureStatistics, feature: str) -> int | None:
    """The number of rows with a value; None if there is no such feature, or a row has several values."""
    for found in statistics.features:
        if list(found.path.step) == [feature] or found.name == feature:
            kind = found.WhichOneof("stats")
            common = getattr(found, kind).common_stats if kind else statistics_pb2.CommonStatistics()
            return common.tot_num_values if common.max_num_values <= 1 else None
    return None


def anomaly_findings(
    anomalies: Mapping[str, anomalies_pb2.Anomalies], count_rows: CountRows = lambda *_: 0
) -> list[Finding]:
    """Turns the anomalies of all splits into findings, one for each feature and kind.

    Args:
        anomalies: by split, as ExampleValidator writes them.
        count_rows: counts the rows with an anomaly; called once for each split, feature and kind.
    """
    merged: dict[tuple[str, str], Finding] = {}
    for split, found in anomalies.items():
        for feature, info in sorted(found.anomaly_info.items()):
            for reason in info.reason:
                kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
                earlier = merged.get((feature, kind))
                merged[feature, kind] = Finding(
                    feature=feature,
                    kind=kind,
                    problem=earlier.problem if earlier else _one_line(reason.description or reason.short_description),
                    rows=(earlier.rows if earlier else 0) + count_rows(split, feature, kind),
                    blocks=info.severity != anomalies_pb2.AnomalyInfo.WARNING or bool(earlier and earlier.blocks),
                )
        for reason in found.dataset_anomaly_info.reason:
            kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            problem = f"{split}: {_one_line(reason.description)}"
            merged["(rows)", f"{split} {kind}"] = Finding("(rows)", kind, problem, 0)
        if found.data_missing:
            merged["(rows)", f"{split} DATA_MISSING"] = Finding("(rows)", "DATA_MISSING", f"{split} has no rows", 0)
    return list(merged.values())


def sort_findings(found: Iterable[Finding]) -> list[Finding]:
    """Sorts findings that block before those that warn, then by number of rows, the largest first."""
    return sorted(found, key=lambda finding: (not finding.blocks, -finding.rows, finding.feature))


def data_blocked_error(found: Iterable[Finding], drift: Iterable[FeatureDrift] = ()) -> DataBlocked:
    """The error that stops a run: its record has all findings, its message the first one that blocks."""
    found = list(found)
    blocking = [finding for finding in found if finding.blocks]
    first = f"{blocking[0].feature}: {blocking[0].problem}" if blocking else "no finding was recorded"
    more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
    return DataBlocked(
        f"the data gate stopped the run: {first}{more}",
        "nothing was trained; fix the data, or the schema if the data are right: `flightline schema propose`",
        recorded_reason=findings_to_json(found, drift),
    )


def _one_line(text: str) -> str:
    return " ".join(text.split()).rstrip(". ")


def findings_to_json(findings: Iterable[Finding], drift: Iterable[FeatureDrift] = ()) -> str:
    """The findings and the drift as JSON: the content of the gate's verdict, and of the record of its error."""
    return json.dumps({"findings": [asdict(f) for f in findings], "drift": [asdict(d) for d in drift]})


def findings_from_json(text: str) -> list[Finding]:
    """Reads the findings that `findings_to_json` wrote.

    Raises:
        ValueError: the text is something else.
    """
    return _parse_records(text, "findings", Finding)


def drift_from_json(text: str) -> list[FeatureDrift]:
    """Reads the drift that `findings_to_json` wrote.

    Raises:
        ValueError: the text is something else.
    """
    return _parse_records(text, "drift", FeatureDrift)


def _parse_records(text: str, key: str, kind: type[RecordT]) -> list[RecordT]:
    try:
        return [kind(**entry) for entry in json.loads(text)[key]]
    except (TypeError, KeyError) as error:
        raise ValueError(f"not a verdict of the data gate: {text[:80]!r}") from error
