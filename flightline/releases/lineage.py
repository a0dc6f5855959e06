"""From a release, a run or an artifact back to all that it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.evaluation import OVERALL, read_evaluation
from flightline.metadata.key_parts import KeyParts
from flightline.metadata.lineage import Artifact, Direction, trace_artifacts
from flightline.metadata.properties import KEY_PARTS_PROPERTY, properties_of
from flightline.metadata.row_accounting import RowAccounting, parse_row_accounting
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.releases.registry import current_version

CURRENT_RELEASE = "current"
REFERENCE_FORMATS = "release:VERSION, release:current, run:RUN, artifact:ID, or an artifact's folder"
# What a run comes to, the last first: where its lineage is read from.
_FINAL_OUTPUTS = (
    ("Pusher", "pushed_model"),
    ("Evaluator", "evaluation"),
    ("Trainer", "model"),
    ("Transform", "transform_graph"),
    ("StatisticsGen", "statistics"),
    ("ExampleGen", "examples"),
)


@dataclass(frozen=True)
class Lineage:
    """What was asked for, and what it was made of.

    Attributes:
        what: the thing asked for, in words.
        artifacts: it and its ancestors, or its descendants, nearest first.
        rows: of the Examples among them.
        code: node → digest of the code that its step ran, for the steps that made the artifacts.
        lock: digest of requirements.lock, as the newest of these steps had it.
        champion: id of the Model that it was held against, where there was one.
        metrics: of its evaluation over all rows.
        gaps: between its slices, in words, where gaps are bounded.
        about: facts on record with the run: commit, user, ...
    """

    what: str
    artifacts: list[Artifact]
    rows: RowAccounting | None
    code: dict[str, str]
    lock: str
    champion: int | None
    metrics: dict[str, float]
    gaps: list[str]
    about: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        rows = self.rows
        return {
            "what": self.what,
            "rows": None if rows is None else {"read": rows.read, "splits": rows.splits, "rejected": rows.rejected},
            "code": self.code,
            "lock": self.lock,
            "champion": self.champion,
            "metrics": self.metrics,
            "gaps": self.gaps,
            "about": self.about,
            "artifacts": [artifact.to_dict() for artifact in self.artifacts],
        }


def trace_lineage(runs: Runs, config: Config, what: str, direction: Direction = "up") -> Lineage:
    """All that `what` was made of, or with `down` all that was made of it.

    Args:
        runs: the store to look in.
        config: says where releases are.
        what: one of `FORMS`.

    Raises:
        UsageError: there is nothing of that name.
    """
    start, words = _resolve_reference(runs, config, what)
    found = trace_artifacts(runs.store, start, direction)
    made_by = {artifact.run: artifact for artifact in reversed(found) if artifact.run}
    run = runs.get(found[0].run) if found[0].run else None
    keys = _step_key_parts(runs, found)
    examples = [artifact for artifact in found if artifact.type == "Examples" and artifact.node == "ExampleGen"]
    evaluation = read_evaluation(run.steps) if run else None
    return Lineage(
        what=words,
        artifacts=found,
        rows=parse_row_accounting(examples[0].properties) if examples else None,
        code={node: parts.code for node, parts in keys.items() if parts.code},
        lock=next((parts.lock for parts in keys.values()), ""),
        champion=_champion_id(run),
        metrics=dict(evaluation.metrics.get(OVERALL, {})) if evaluation else {},
        gaps=[f"{gap.description}, at most {gap.at_most:g}" for gap in evaluation.gaps] if evaluation else [],
        about={"runs": sorted(made_by), **(run.about if run else {})},
    )


def _resolve_reference(runs: Runs, config: Config, what: str) -> tuple[int, str]:
    kind, separator, name = what.partition(":")
    if separator and kind == "release":
        return _resolve_release(runs, config, name)
    if separator and kind == "artifact" and name.isdigit():
        return int(name), f"artifact {name}"
    if ("/" in what and not separator) or what.startswith("/"):
        folder = str(Path(what).resolve())
        matches = [artifact for artifact in runs.store.get_artifacts() if artifact.uri.rstrip("/") in (what, folder)]
        if matches:
            return matches[-1].id, f"artifact {matches[-1].id}"
        raise UsageError(f"no artifact is at {what}", f"name {REFERENCE_FORMATS}")
    run = runs.get(name if separator and kind == "run" else what)
    for node, key in _FINAL_OUTPUTS:
        step = run.steps.get(node)
        artifact = step.output(key) if step and step.done else None
        if artifact is not None:
            return artifact.id, f"run {run.run_id}" if runs.belongs_to_pipeline(
                run
            ) else f"run {run.run_id} of {run.pipeline}"
    raise UsageError(f"run {run.run_id} has made nothing", "`flightline why` says how far it got")


def _resolve_release(runs: Runs, config: Config, version: str) -> tuple[int, str]:
    wanted = current_version(config.releases) if version == CURRENT_RELEASE else version
    if wanted is None:
        raise UsageError(f"nothing of {config.name} is released", "`flightline releases` lists releases")
    for artifact in reversed(runs.store.get_artifacts_by_type("PushedModel")):
        destination = str(properties_of(artifact).get("pushed_destination") or "")
        if destination and Path(destination) == config.releases.resolve() / wanted:
            return artifact.id, f"release {wanted} of {config.name}"
    raise UsageError(f"release {version} of {config.name} is not on record", "`flightline releases` lists releases")


def _step_key_parts(runs: Runs, artifacts: list[Artifact]) -> dict[str, KeyParts]:
    """Node → the parts of its step's key, the newest step of each node first."""
    ids = sorted({artifact.execution for artifact in artifacts if artifact.execution is not None}, reverse=True)
    nodes = {artifact.execution: artifact.node for artifact in artifacts}
    keys: dict[str, KeyParts] = {}
    for execution in sorted(runs.store.get_executions_by_id(ids), key=lambda e: -e.id) if ids else []:
        text = properties_of(execution).get(KEY_PARTS_PROPERTY)
        if text and nodes[execution.id] not in keys:
            keys[nodes[execution.id]] = KeyParts.from_json(text)
    return keys


def _champion_id(run: Run | None) -> int | None:
    step = run.steps.get("Evaluator") if run else None
    models = step.inputs.get("baseline_model", []) if step else []
    return models[0].id if models else None
