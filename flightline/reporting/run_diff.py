"""The differences between two runs: config, code, lock, data, schema, and the metrics of every slice."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from flightline.config.settings import Config
from flightline.metadata.evaluation import OVERALL, read_evaluation
from flightline.metadata.key_parts import DATA_DIGEST_PARAMETER
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, properties_of
from flightline.metadata.provenance import Provenance, read_provenance
from flightline.metadata.row_accounting import RowAccounting
from flightline.metadata.run import Run
from flightline.reporting.html.data import Change, FeatureShift
from flightline.reporting.html.run_changes import compare_values, compute_shifts, diff_settings
from flightline.reporting.html.statistics import read_statistics

COMPARED_SPLIT = "train"  # the statistics of this split are compared


@dataclass(frozen=True)
class SliceMetricChange:
    """A metric of a slice in both runs."""

    slice: str
    metric: str
    before: float | None
    now: float | None

    @property
    def difference(self) -> float:
        """The absolute difference; a missing value counts as 0."""
        return abs((self.now or 0.0) - (self.before or 0.0))


@dataclass(frozen=True)
class RunDiff:
    """The differences between the runs `before` and `now`.

    Attributes:
        before: id of the earlier run.
        now: id of the other run.
        config: keys whose values differ.
        code: the commit, then the digests of the steps whose code differs.
        lock: digests of requirements.lock, where they differ.
        data: digests and counts of rows, where they differ.
        schema: digest of the curated schema, where it differs.
        feature_shifts: the features whose distributions differ, the largest shift first.
        metrics: of every slice, those that differ, the widest difference first.
        artifacts: digests of the outputs (`NODE.OUTPUT`), where they differ.
    """

    before: str
    now: str
    config: list[Change]
    code: list[Change]
    lock: list[Change]
    data: list[Change]
    schema: list[Change]
    feature_shifts: list[FeatureShift]
    metrics: list[SliceMetricChange]
    artifacts: list[Change] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Whether the two runs do not differ in anything."""
        return not any(asdict(self)[name] for name in asdict(self) if name not in ("before", "now"))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def diff_runs(config: Config, before: Run, now: Run) -> RunDiff:
    """Compares two runs by ML Metadata, their statistics and the provenance in their folders."""
    provenances = [read_provenance(config.run_folder(run.run_id)) for run in (before, now)]
    commits = [{"commit": _format_commit(provenance)} if provenance else {} for provenance in provenances]
    both = before.steps.keys() & now.steps.keys()  # either may be partial, or have failed
    keys = [_code_and_lock(run, both) for run in (before, now)]
    outputs = [_output_digests(run, both) for run in (before, now)]
    return RunDiff(
        before=before.run_id,
        now=now.run_id,
        config=diff_settings(*(_config_text(config, run) for run in (before, now))),
        code=_diff(*({**commit, **code} for commit, (code, _) in zip(commits, keys, strict=True))),
        lock=_diff(*(lock for _, lock in keys)),
        data=_diff(*(_data_facts(run) for run in (before, now))),
        schema=_diff(*({k: v for k, v in some.items() if k.startswith("CuratedSchema")} for some in outputs)),
        feature_shifts=_feature_shifts(before, now),
        metrics=diff_metrics(before, now),
        artifacts=_diff(*outputs),
    )


def _diff(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[Change]:
    return [change for change in compare_values(before, now) if change.before != change.now]


def _format_commit(provenance: Provenance) -> str:
    return f"{provenance.commit or 'none'}{' with uncommitted changes' if provenance.dirty else ''}"


def _config_text(config: Config, run: Run) -> str:
    try:
        return (config.run_folder(run.run_id) / "config.yaml").read_text(encoding="utf-8")
    except OSError:
        return ""


def _code_and_lock(run: Run, nodes: Collection[str]) -> tuple[dict[str, str], dict[str, str]]:
    """(code by node, lock) of these steps of a run."""
    parts = {node: step.key_parts for node, step in run.steps.items() if node in nodes}
    code = {node: part.code for node, part in parts.items() if part and part.code}
    locks = [part.lock for part in parts.values() if part]
    return code, {"requirements.lock": locks[-1]} if locks else {}


def _output_digests(run: Run, nodes: Collection[str]) -> dict[str, str]:
    """`Node.output` → content digest, for these steps."""
    return {
        f"{node}.{key}": str(properties_of(artifacts[0]).get(CONTENT_DIGEST_PROPERTY) or "")
        for node, step in run.steps.items()
        for key, artifacts in step.outputs.items()
        if artifacts and node in nodes and node != "Champion"
    }


def _data_facts(run: Run) -> dict[str, Any]:
    step = run.steps.get("ExampleGen")
    parts = step.key_parts if step else None
    digests = [
        value for name, value in (parts.parameters if parts else {}).items() if name.endswith(DATA_DIGEST_PARAMETER)
    ]
    facts: dict[str, Any] = {"data digest": digests[0]} if digests else {}
    rows: RowAccounting | None = run.rows
    if rows is not None:
        facts |= {"rows read": rows.read, **{f"rows {name}": count for name, count in rows.splits.items()}}
        facts |= {f"rows rejected, {reason}": count for reason, count in rows.rejected.items()}
    return facts


def _feature_shifts(before: Run, now: Run) -> list[FeatureShift]:
    steps = [run.steps.get("StatisticsGen") for run in (before, now)]
    artifacts = [step.output("statistics") if step and step.done else None for step in steps]
    if not all(artifacts) or artifacts[0].id == artifacts[1].id:  # type: ignore[union-attr]
        return []
    found = [read_statistics(artifact.uri).get(COMPARED_SPLIT) for artifact in artifacts if artifact]
    if found[0] is None or found[1] is None:
        return []
    shifts = compute_shifts(found[0], found[1])
    return [shift for shift in shifts if shift.distance or shift.missing_before != shift.missing_now]


def diff_metrics(before: Run, now: Run) -> list[SliceMetricChange]:
    """The metrics that differ, of every slice: the overall ones first, then the widest difference."""
    evaluations = [read_evaluation(run.steps) for run in (before, now)]
    if not all(evaluations):
        return []
    old, new = (evaluation.metrics for evaluation in evaluations if evaluation)
    changes = [
        SliceMetricChange(name, metric, old.get(name, {}).get(metric), new.get(name, {}).get(metric))
        for name in [*new, *(name for name in old if name not in new)]
        for metric in sorted({*old.get(name, {}), *new.get(name, {})})
        if old.get(name, {}).get(metric) != new.get(name, {}).get(metric)
    ]
    return sorted(changes, key=lambda change: (change.slice != OVERALL, -change.difference))
