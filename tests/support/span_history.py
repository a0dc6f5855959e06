"""A real metadata store with spans in it, as runs of a pipeline with a window would have left them."""

from __future__ import annotations

import json
from pathlib import Path

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.store import sqlite_config

PIPELINE = "flights_monthly"
BLOCKED_RESULT = json.dumps({"code": 3, "resultMessage": "[]"})
FAILED_RESULT = json.dumps({"code": 1, "resultMessage": "RuntimeError: the disk is full"})


class SpanHistory:
    """Takes spans in, one run each; without a path the store is in memory."""

    def __init__(self, path: Path | None = None) -> None:
        fake = pb.ConnectionConfig()
        fake.fake_database.SetInParent()
        self.store = mlmd.MetadataStore(sqlite_config(path) if path else fake)
        self._runs = 0
        self._accepted: list[pb.Artifact] = []

    def take(
        self, span: int, version: int | None = None, gate: str | None = "COMPLETE", pushed: bool = True, **again: int
    ) -> int:
        """One run: ExampleGen, StatisticsGen, perhaps DataGate and Pusher; returns the id of its Examples.

        Args:
            gate: COMPLETE, CACHED, BLOCKED (by what it found), BROKEN (by something else), RUNNING, or None: not there.
            pushed: whether the Pusher ran, where the gate let it.
            again: `examples=ID` where ExampleGen took them from the cache.
        """
        self._runs += 1
        if "examples" in again:
            [examples] = self.store.get_artifacts_by_id([again["examples"]])
        else:
            examples = self._artifact("Examples", span=span, version=version)
        [examples] = self._step("ExampleGen", "CACHED" if again else "COMPLETE", [], [examples])
        [statistics] = self._step("StatisticsGen", "COMPLETE", [examples], [self._artifact("ExampleStatistics")])
        if gate is not None:
            results = {"BLOCKED": ("FAILED", BLOCKED_RESULT), "BROKEN": ("FAILED", FAILED_RESULT)}
            state, result = results.get(gate, (gate, ""))
            judged = {"examples": [examples], "statistics": [statistics], "accepted_examples": []}
            judged["accepted_examples"] = [one for one in self._accepted if one.id != examples.id]
            self._step("DataGate", state, [], [], result, judged)
            if state in ("COMPLETE", "CACHED") and all(one.id != examples.id for one in self._accepted):
                self._accepted.append(examples)
        if pushed and gate in ("COMPLETE", "CACHED"):
            self._step("Pusher", "COMPLETE", [], [self._artifact("PushedModel")])
        return examples.id

    def delete(self, examples: int) -> None:
        """As a garbage collector does."""
        [artifact] = self.store.get_artifacts_by_id([examples])
        artifact.state = pb.Artifact.DELETED
        self.store.put_artifacts([artifact])

    def _step(
        self,
        node: str,
        state: str,
        reads: list[pb.Artifact],
        makes: list[pb.Artifact],
        result: str = "",
        channels: dict[str, list[pb.Artifact]] | None = None,
    ) -> list[pb.Artifact]:
        kind = self.store.put_execution_type(pb.ExecutionType(name=node))
        execution = pb.Execution(type_id=kind, last_known_state=pb.Execution.State.Value(state))
        if result:
            execution.custom_properties["__execution_result__"].string_value = result
        touched = [(artifact, pb.Event(type=pb.Event.INPUT)) for artifact in reads]
        for key, artifacts in (channels or {}).items():
            path = pb.Event.Path(steps=[pb.Event.Path.Step(key=key)])
            touched += [(artifact, pb.Event(type=pb.Event.INPUT, path=path)) for artifact in artifacts]
        touched += [(artifact, pb.Event(type=pb.Event.OUTPUT)) for artifact in makes]
        contexts = [("pipeline", PIPELINE), ("pipeline_run", f"run-{self._runs}"), ("node", f"{PIPELINE}.{node}")]
        _, ids, _ = self.store.put_execution(execution, touched, [self._context(*context) for context in contexts])
        return self.store.get_artifacts_by_id(ids[len(reads) :]) if makes else []

    def _context(self, kind: str, name: str) -> pb.Context:
        known = self.store.get_context_by_type_and_name(kind, name)
        return known or pb.Context(type_id=self.store.put_context_type(pb.ContextType(name=kind)), name=name)

    def _artifact(self, kind: str, **numbers: int | None) -> pb.Artifact:
        type_id = self.store.put_artifact_type(pb.ArtifactType(name=kind))
        artifact = pb.Artifact(type_id=type_id, uri=f"/artifacts/{kind}/{self._runs}", state=pb.Artifact.LIVE)
        for name, value in numbers.items():
            if value is not None:
                artifact.custom_properties[name].int_value = value
        return artifact
