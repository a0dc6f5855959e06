"""Runs and their steps, as ML Metadata records them. Without TensorFlow: listing them takes a fraction of a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from pipeline.cache import KEY_PROPERTY, KeyParts
from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.metadata import reading
from pipeline.metadata.evaluations import evaluation_of
from pipeline.metadata.run_ids import BESIDE, pipelines, run_contexts, with_those_beside
from pipeline.metadata.store import (
    INPUT_EVENTS,
    OUTPUT_EVENTS,
    artifacts_by_key,
    execution_result,
    open_store,
    properties_of,
)
from pipeline.rows import RowAccounting, row_accounting
from pipeline.verdict import OVERALL, Evaluation

if TYPE_CHECKING:
    from pipeline.metadata.released import Released

LATEST = "latest"  # of the runs that train; scoring runs are asked for by name


@dataclass(frozen=True)
class Step:
    """One node's execution in a run.

    Attributes:
        node: the node's id in the DAG.
        state: COMPLETE, CACHED, FAILED, RUNNING or CANCELED.
        execution_id: its id in ML Metadata.
        started: milliseconds since the epoch.
        ended: the same, of the last update.
        code: what a failed step ended with.
        message: and what it gave as its reason.
        inputs: artifacts by channel key.
        outputs: the same, of what it made.
        properties: what the execution was given, and what we keep with it.
        cached_from: of a cached step, the run that made its outputs.
    """

    node: str
    execution_id: int
    state: str
    started: int
    ended: int
    code: int = 0
    message: str = ""
    inputs: dict[str, list[pb.Artifact]] = field(default_factory=dict, repr=False)
    outputs: dict[str, list[pb.Artifact]] = field(default_factory=dict, repr=False)
    properties: dict[str, Any] = field(default_factory=dict, repr=False)
    cached_from: str | None = None

    @property
    def key_parts(self) -> KeyParts | None:
        """What its cache key was made of; None where another runner than ours launched it."""
        text = self.properties.get(KEY_PROPERTY)
        return KeyParts.from_json(text) if text else None

    @property
    def done(self) -> bool:
        """Whether its outputs are there, made by it or taken from an earlier run."""
        return self.state in {"COMPLETE", "CACHED"}

    def output(self, key: str) -> pb.Artifact | None:
        """The first artifact of an output channel."""
        artifacts = self.outputs.get(key) or [None]
        return artifacts[0]


@dataclass(frozen=True)
class Run:
    """One run of a pipeline.

    Attributes:
        run_id: its name, and that of its folder.
        pipeline: the pipeline's name.
        started: milliseconds since the epoch.
        steps: by node id, in the order in which they were started.
        about: what is on record with the run as a whole (commit, user, config, ...).
    """

    run_id: str
    pipeline: str
    started: int
    steps: dict[str, Step]
    about: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def state(self) -> str:
        """COMPLETE, FAILED, CANCELED or RUNNING; it was ended from outside where it says RUNNING and nothing does."""
        states = {step.state for step in self.steps.values()}
        for ended_badly in ("FAILED", "CANCELED"):
            if ended_badly in states:
                return ended_badly
        return "RUNNING" if states & {"RUNNING", "NEW"} else "COMPLETE"

    @property
    def seconds(self) -> float:
        """From its start to the last update of its last step."""
        ends = [step.ended for step in self.steps.values()]
        return (max(ends) - self.started) / 1000 if ends else 0.0

    @property
    def rows(self) -> RowAccounting | None:
        """Where the rows of the run's input went."""
        step = self.steps.get("ExampleGen")
        artifact = step.output("examples") if step else None
        return row_accounting(properties_of(artifact)) if artifact else None

    @property
    def blessed(self) -> bool | None:
        """What the Evaluator said; None where it said nothing."""
        return self._flag("Evaluator", "blessing", "blessed")

    @property
    def servable(self) -> bool | None:
        """What the serving check said; None where it said nothing."""
        return self._flag("ServingCheck", "blessing", "blessed")

    @property
    def pushed(self) -> str | None:
        """The folder that the Pusher copied the model to; None where it did not."""
        step = self.steps.get("Pusher")
        artifact = step.output("pushed_model") if step and step.done else None
        properties = properties_of(artifact) if artifact else {}
        return properties.get("pushed_destination") if properties.get("pushed") else None

    def statistics(self, split: str = "train") -> statistics_pb2.DatasetFeatureStatistics:
        """TFDV's statistics of a split. Raises UsageError where there are none."""
        return reading.statistics(self, split)

    def anomalies(self, split: str = "train") -> anomalies_pb2.Anomalies:
        """What ExampleValidator found in a split. Raises UsageError where it did not look."""
        return reading.anomalies(self, split)

    @property
    def schema(self) -> schema_pb2.Schema:
        """The curated schema. Raises UsageError where the run has none."""
        return reading.schema(self)

    @property
    def evaluation(self) -> Evaluation | None:
        """All slices, the champion beside them, thresholds that were missed; None where nothing was evaluated."""
        return evaluation_of(self)

    def metrics(self, slice: str = OVERALL) -> dict[str, float]:  # noqa: A002 - the field's word
        """What was measured on a slice (`overall`, `origin=JFK`). Raises UsageError where nothing was."""
        return reading.metrics(self, slice)

    def model(self) -> Any:
        """The trained SavedModel, loaded; imports TensorFlow. Raises UsageError where there is none."""
        return reading.model(self)

    def _flag(self, node: str, output: str, name: str) -> bool | None:
        step = self.steps.get(node)
        artifact = step.output(output) if step and step.done else None
        value = properties_of(artifact).get(name) if artifact else None
        return None if value is None else bool(value)


class Runs:
    """The runs of one metadata store: all of them, or with a config those of its pipeline and of what is beside it."""

    def __init__(self, store: mlmd.MetadataStore, config: Config | None = None) -> None:
        self.store = store
        self.config = config

    @classmethod
    def open(cls, where: Config | Path) -> Runs:
        """The runs of a config's pipeline, its scoring and its monitoring; or all that a sqlite store at a path knows.

        Raises:
            InputError: there is no readable store.
            FlightlineError: its server does not answer, or refuses the user.
        """
        return cls(open_store(where), None if isinstance(where, Path) else where)

    def of_workspace(self) -> Runs:
        """Those of every pipeline in the workspace. On a server, which others write to, the pipeline's alone."""
        return self if self.config is None or self.config.metadata.on_a_server else Runs(self.store)

    def __iter__(self) -> Iterator[Run]:
        """Newest first."""
        contexts = self._contexts()
        return (self._run(context) for context in sorted(contexts, key=lambda c: -c.create_time_since_epoch))

    def started(self) -> dict[str, int]:
        """Run id → when it started, in milliseconds since the epoch; a few queries, however many there are."""
        return {context.name: context.create_time_since_epoch for context in self._contexts()}

    def get(self, run_id: str) -> Run:
        """One run by its id, to be read: of whatever pipeline in the workspace. `latest` is the pipeline's newest.

        Raises:
            UsageError: there is no such run.
        """
        if run_id == LATEST:
            return self._latest()
        found = self.find(run_id)
        if found is None:
            raise UsageError(f"there is no run {run_id} in the metadata store", "list them with `flightline runs`")
        return found

    def get_own(self, run_id: str) -> Run:
        """`get` for what is done by the config: a run of another pipeline is refused.

        Raises:
            UsageError: there is no such run, or it is another pipeline's.
        """
        run = self.get(run_id)
        if self.config is not None and not self.is_own(run):
            raise UsageError(
                f"run {run.run_id} is of the pipeline {run.pipeline}, not of {self.config.name}",
                f"name the config of {run.pipeline} with --config",
            )
        return run

    def is_own(self, run: Run) -> bool:
        """Whether a run is of the config's pipeline, or beside it; any is where no config was given."""
        return self.config is None or run.pipeline in with_those_beside(self.config.name)

    def find(self, run_id: str) -> Run | None:
        """One run of the workspace by its id; None where there is none."""
        contexts = self.of_workspace()._contexts()
        context = next((context for context in contexts if context.name == run_id), None)
        return self._run(context) if context else None

    def release(self, version: str = "current") -> Released:
        """A release of the config that the runs were opened with.

        Raises:
            UsageError: there is none of that version, or the runs were opened by a path.
        """
        from pipeline.metadata.released import released  # which reads runs itself

        if self.config is None:
            raise UsageError("a metadata store alone does not say where releases are", "Runs.open(config) does")
        return released(self, self.config, version)

    def _latest(self) -> Run:
        own = self.config.name if self.config else None
        for run in self:
            if run.pipeline == own or (own is None and not run.pipeline.endswith(BESIDE)):
                return run
        others = ", ".join(name for name in pipelines(self.store) if name != own)
        todo = f"there are runs of {others}: name the config of one with --config" if others else "run the pipeline"
        raise UsageError(f"there is no run{f' of {own}' if own else ''} in the metadata store yet", todo)

    def _contexts(self) -> list[pb.Context]:
        return run_contexts(self.store, self.config.name if self.config else None)

    def _run(self, context: pb.Context) -> Run:
        executions = self.store.get_executions_by_context(context.id)
        ids = [execution.id for execution in executions]
        inputs = artifacts_by_key(self.store, ids, INPUT_EVENTS)
        outputs = artifacts_by_key(self.store, ids, OUTPUT_EVENTS)
        steps: dict[str, Step] = {}
        for execution in sorted(executions, key=lambda e: e.id):
            node, pipeline = self._node_of(execution)
            code, message = execution_result(execution)
            state = pb.Execution.State.Name(execution.last_known_state)
            steps[node] = Step(
                node=node,
                execution_id=execution.id,
                state=state,
                started=execution.create_time_since_epoch,
                ended=execution.last_update_time_since_epoch,
                code=code,
                message=message,
                inputs=dict(inputs.get(execution.id, {})),
                outputs=dict(outputs.get(execution.id, {})),
                properties=properties_of(execution),
                cached_from=self._made_by(outputs.get(execution.id, {})) if state == "CACHED" else None,
            )
        if not executions:
            pipeline = next((parent.name for parent in self.store.get_parent_contexts_by_context(context.id)), "")
        return Run(context.name, pipeline, context.create_time_since_epoch, steps, properties_of(context))

    def before(self, run: Run, node: str) -> Step | None:
        """The last step of this node in an earlier run of the same pipeline; None where there is none."""
        for other in self.of_workspace():
            step = other.steps.get(node)
            if step is not None and other.pipeline == run.pipeline and other.started < run.started:
                return step
        return None

    def maker_of(self, artifact: pb.Artifact) -> str | None:
        """The id of the run whose execution made an artifact: the first that has it as its output."""
        events = self.store.get_events_by_artifact_ids([artifact.id])
        makers = [event.execution_id for event in events if event.type in OUTPUT_EVENTS]
        if not makers:
            return None
        contexts = self.store.get_contexts_by_execution(min(makers))
        return next((context.name for context in contexts if context.type == "pipeline_run"), None)

    def _made_by(self, outputs: Mapping[str, list[pb.Artifact]]) -> str | None:
        first = next((artifact for artifacts in outputs.values() for artifact in artifacts), None)
        return self.maker_of(first) if first else None

    def _node_of(self, execution: pb.Execution) -> tuple[str, str]:
        """(node id, pipeline name): TFX names a node's context PIPELINE.NODE."""
        contexts = {c.type: c.name for c in self.store.get_contexts_by_execution(execution.id)}
        pipeline = contexts.get("pipeline", "")
        return contexts.get("node", execution.name).removeprefix(f"{pipeline}."), pipeline
