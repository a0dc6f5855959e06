"""The lineage of a release, a run or an artifact."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.artifact_integrity import describe_damage, find_artifact_damage, recorded_files
from flightline.metadata.evaluation import OVERALL, read_evaluation
from flightline.metadata.key_parts import KeyParts
from flightline.metadata.lineage import Artifact, Direction, trace_artifacts
from flightline.metadata.properties import KEY_PARTS_PROPERTY, properties_of
from flightline.metadata.row_accounting import RowAccounting, parse_row_accounting
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.releases.release import CURRENT_RELEASE, current_version, find_pushed_damage
from flightline.utils.storage import is_uri

REFERENCE_FORMATS = "release:VERSION, release:current, run:RUN, artifact:ID, or an artifact's folder"
# Outputs of a run, the last first: the lineage of a run is that of its last output.
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
    """The lineage of a subject: the artifacts that it was made from, or that were made from it.

    Attributes:
        subject: what the lineage is of, such as `release 7 of flights`.
        artifacts: the subject and its ancestors or descendants, nearest first.
        rows: row counts of the Examples among the artifacts.
        code: node → digest of the code of the step that made the artifacts.
        lock: digest of requirements.lock at the newest of these steps.
        champion: id of the Model that the subject was compared with; None if there was none.
        metrics: of the evaluation over all rows.
        gaps: descriptions of the gaps between slices, if they are bounded.
        about: properties of the run: commit, user, ...
        damage: artifacts whose files are not those that were recorded, and how they differ; except for models, only
            sizes are compared (`flightline verify` compares contents).
    """

    subject: str
    artifacts: list[Artifact]
    rows: RowAccounting | None
    code: dict[str, str]
    lock: str
    champion: int | None
    metrics: dict[str, float]
    gaps: list[str]
    about: dict[str, Any]
    damage: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        rows = self.rows
        return {
            "subject": self.subject,
            "rows": None if rows is None else {"read": rows.read, "splits": rows.splits, "rejected": rows.rejected},
            "code": self.code,
            "lock": self.lock,
            "champion": self.champion,
            "metrics": self.metrics,
            "gaps": self.gaps,
            "about": self.about,
            "damage": self.damage,
            "artifacts": [artifact.to_dict() for artifact in self.artifacts],
        }


def trace_lineage(runs: Runs, config: Config, reference: str, direction: Direction = "up") -> Lineage:
    """Trace what a subject was made from, or with `down` what was made from it.

    Args:
        runs: the metadata store.
        config: locates the releases.
        reference: one of `REFERENCE_FORMATS`.
        direction: `up` or `down`.

    Raises:
        UsageError: the reference does not exist.
    """
    start, subject = _resolve_reference(runs, config, reference)
    found = trace_artifacts(runs.store, start, direction)
    run_ids = sorted({artifact.run for artifact in found if artifact.run})
    run = runs.get(found[0].run) if found[0].run else None
    keys = _step_key_parts(runs, found)
    examples = [artifact for artifact in found if artifact.type == "Examples" and artifact.node == "ExampleGen"]
    evaluation = read_evaluation(run.steps) if run else None
    return Lineage(
        subject=subject,
        artifacts=found,
        rows=parse_row_accounting(examples[0].properties) if examples else None,
        code={node: parts.code for node, parts in keys.items() if parts.code},
        lock=next((parts.lock for parts in keys.values()), ""),
        champion=_champion_id(run),
        metrics=dict(evaluation.metrics.get(OVERALL, {})) if evaluation else {},
        gaps=[f"{gap.description}, at most {gap.max_gap:g}" for gap in evaluation.gaps] if evaluation else [],
        about={"runs": run_ids, **(run.properties if run else {})},
        damage=_find_damage(runs, found),
    )


def _find_damage(runs: Runs, artifacts: list[Artifact]) -> list[str]:
    """The damaged artifacts on this machine, and the damaged releases that were copied from one of them."""
    described = []
    for artifact in runs.store.get_artifacts_by_id([artifact.id for artifact in artifacts if not is_uri(artifact.uri)]):
        if damage := find_artifact_damage(artifact, by_content=False):
            described.append(describe_damage(artifact, damage))
        destination = str(properties_of(artifact).get("pushed_destination") or "")
        if destination and (damage := find_pushed_damage(Path(destination), recorded_files(artifact))):
            described.append(f"the release {destination} is damaged: {damage[0]}")
    return described


def _resolve_reference(runs: Runs, config: Config, reference: str) -> tuple[int, str]:
    """The artifact id and the description of a reference."""
    kind, separator, name = reference.partition(":")
    if separator and kind == "release":
        return _resolve_release(runs, config, name)
    if separator and kind == "artifact" and name.isdigit():
        return int(name), f"artifact {name}"
    if ("/" in reference and not separator) or reference.startswith("/"):
        return _resolve_folder(runs, reference)
    return _resolve_run(runs.get(name if separator and kind == "run" else reference), runs)


def _resolve_folder(runs: Runs, folder: str) -> tuple[int, str]:
    uris = {folder, str(Path(folder).resolve())}
    matches = [artifact for artifact in runs.store.get_artifacts() if artifact.uri.rstrip("/") in uris]
    if not matches:
        raise UsageError(f"there is no artifact at {folder}", f"name {REFERENCE_FORMATS}")
    return matches[-1].id, f"artifact {matches[-1].id}"


def _resolve_run(run: Run, runs: Runs) -> tuple[int, str]:
    for node, key in _FINAL_OUTPUTS:
        step = run.steps.get(node)
        artifact = step.output(key) if step and step.done else None
        if artifact is not None:
            owner = "" if runs.belongs_to_pipeline(run) else f" of {run.pipeline}"
            return artifact.id, f"run {run.run_id}{owner}"
    raise UsageError(f"run {run.run_id} has no outputs", "see `flightline why` for how far it got")


def _resolve_release(runs: Runs, config: Config, version: str) -> tuple[int, str]:
    wanted = current_version(config.releases) if version == CURRENT_RELEASE else version
    if wanted is None:
        raise UsageError(f"no model of {config.name} is released", "release a model first: `make run`")
    for artifact in reversed(runs.store.get_artifacts_by_type("PushedModel")):
        destination = str(properties_of(artifact).get("pushed_destination") or "")
        if destination and Path(destination) == config.releases.resolve() / wanted:
            return artifact.id, f"release {wanted} of {config.name}"
    raise UsageError(
        f"the metadata store has no release {version} of {config.name}", "list releases: `flightline releases`"
    )


def _step_key_parts(runs: Runs, artifacts: list[Artifact]) -> dict[str, KeyParts]:
    """Node → the cache key parts of its newest step."""
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
