"""Runs and their steps, as ML Metadata records them. Without TensorFlow: listing them takes a fraction of a second."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.properties import INPUT_EVENTS, OUTPUT_EVENTS, properties_of
from flightline.metadata.run import Run
from flightline.metadata.run_ids import AUXILIARY_SUFFIXES, list_pipelines, run_contexts, with_auxiliary_pipelines
from flightline.metadata.step import Step
from flightline.metadata.store import artifacts_by_key, execution_result, open_store

LATEST, PREVIOUS = "latest", "previous"  # the newest training run, and the one before it


class Runs:
    """The runs of one metadata store: all of them, or with a config those of its training, scoring and monitoring."""

    def __init__(self, store: mlmd.MetadataStore, config: Config | None = None) -> None:
        self.store = store
        self.config = config

    @classmethod
    def open(cls, where: Config | Path) -> Runs:
        """Open the store of a config, for the runs of its pipeline; or a sqlite store at a path, for all its runs.

        Raises:
            InputError: there is no readable store.
            FlightlineError: its server does not answer, or refuses the user.
        """
        return cls(open_store(where), None if isinstance(where, Path) else where)

    def for_workspace(self) -> Runs:
        """The runs of every pipeline in the workspace; on a shared server, those of the config's pipeline alone."""
        return self if self.config is None or self.config.metadata.uses_server else Runs(self.store)

    def __iter__(self) -> Iterator[Run]:
        """Newest first."""
        contexts = self._contexts()
        return (self._run(context) for context in sorted(contexts, key=lambda c: -c.create_time_since_epoch))

    def start_times(self) -> dict[str, int]:
        """Run id → when it started, in milliseconds since the epoch; a few queries, however many there are."""
        return {context.name: context.create_time_since_epoch for context in self._contexts()}

    def get(self, run_id: str) -> Run:
        """One run by its id, of any pipeline in the workspace; or `latest` and `previous`, of the config's pipeline.

        Raises:
            UsageError: there is no such run.
        """
        if run_id in (LATEST, PREVIOUS):
            return self._newest(0 if run_id == LATEST else 1)
        found = self.find(run_id)
        if found is None:
            raise UsageError(f"there is no run {run_id} in the metadata store", "list them with `flightline runs`")
        return found

    def get_in_pipeline(self, run_id: str) -> Run:
        """As `get`, but refuse a run of another pipeline: for commands that act by the config.

        Raises:
            UsageError: there is no such run, or it is another pipeline's.
        """
        run = self.get(run_id)
        if self.config is not None and not self.belongs_to_pipeline(run):
            raise UsageError(
                f"run {run.run_id} belongs to the pipeline {run.pipeline}, not to {self.config.name}",
                f"name the config of {run.pipeline} with --config",
            )
        return run

    def belongs_to_pipeline(self, run: Run) -> bool:
        """Whether a run is of the config's pipeline, its scoring or its monitoring. Without a config, every run is."""
        return self.config is None or run.pipeline in with_auxiliary_pipelines(self.config.name)

    def find(self, run_id: str) -> Run | None:
        """One run of the workspace by its id; None where there is none."""
        contexts = self.for_workspace()._contexts()
        context = next((context for context in contexts if context.name == run_id), None)
        return self._run(context) if context else None

    def _newest(self, position: int) -> Run:
        """The newest training run (0), or the one before it (1)."""
        own = self.config.name if self.config else None
        trained = (
            r for r in self if r.pipeline == own or (own is None and not r.pipeline.endswith(AUXILIARY_SUFFIXES))
        )
        newest = list(islice(trained, position + 1))
        if len(newest) > position:
            return newest[position]
        if newest:
            raise UsageError(f"there is no run before {newest[0].run_id}", "run the pipeline again")
        others = ", ".join(name for name in list_pipelines(self.store) if name != own)
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
            node, pipeline = self._node_and_pipeline(execution)
            code, message = execution_result(execution)
            state = pb.Execution.State.Name(execution.last_known_state)
            steps[node] = Step(
                node=node,
                execution_id=execution.id,
                state=state,
                started_ms=execution.create_time_since_epoch,
                ended_ms=execution.last_update_time_since_epoch,
                code=code,
                message=message,
                inputs=dict(inputs.get(execution.id, {})),
                outputs=dict(outputs.get(execution.id, {})),
                properties=properties_of(execution),
                cached_from=self._producer_of_outputs(outputs.get(execution.id, {})) if state == "CACHED" else None,
            )
        if not executions:
            pipeline = next((parent.name for parent in self.store.get_parent_contexts_by_context(context.id)), "")
        return Run(context.name, pipeline, context.create_time_since_epoch, steps, properties_of(context))

    def previous_step(self, run: Run, node: str) -> Step | None:
        """The last step of this node in an earlier run of the same pipeline; None where there is none."""
        for other in self.for_workspace():
            step = other.steps.get(node)
            if step is not None and other.pipeline == run.pipeline and other.started_ms < run.started_ms:
                return step
        return None

    def producer_run_id(self, artifact: pb.Artifact) -> str | None:
        """The id of the run whose execution made an artifact: the first that has it as its output."""
        events = self.store.get_events_by_artifact_ids([artifact.id])
        makers = [event.execution_id for event in events if event.type in OUTPUT_EVENTS]
        if not makers:
            return None
        contexts = self.store.get_contexts_by_execution(min(makers))
        return next((context.name for context in contexts if context.type == "pipeline_run"), None)

    def _producer_of_outputs(self, outputs: Mapping[str, list[pb.Artifact]]) -> str | None:
        first = next((artifact for artifacts in outputs.values() for artifact in artifacts), None)
        return self.producer_run_id(first) if first else None

    def _node_and_pipeline(self, execution: pb.Execution) -> tuple[str, str]:
        """(node id, pipeline name): TFX names a node's context PIPELINE.NODE."""
        contexts = {c.type: c.name for c in self.store.get_contexts_by_execution(execution.id)}
        pipeline = contexts.get("pipeline", "")
        return contexts.get("node", execution.name).removeprefix(f"{pipeline}."), pipeline
