"""A real metadata store with a run in it, as TFX would have left it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.store import sqlite_config

PIPELINE = "flights"


class RunRecorder:
    """Writes runs into the sqlite store at `path`."""

    def __init__(self, path: Path, pipeline: str = PIPELINE) -> None:
        self.name = pipeline
        self.store = mlmd.MetadataStore(sqlite_config(path))
        kinds = {
            name: self.store.put_context_type(pb.ContextType(name=name))
            for name in ("pipeline", "pipeline_run", "node")
        }
        self.kinds = kinds
        self.pipeline = self._context("pipeline", pipeline)

    def run(self, run_id: str, steps: dict[str, dict[str, Any]]) -> None:
        """`steps`: node → state, perhaps code, message, and outputs (key → properties of a new artifact)."""
        run = self._context("pipeline_run", run_id)
        self.store.put_parent_contexts([pb.ParentContext(child_id=run.id, parent_id=self.pipeline.id)])
        for node, about in steps.items():
            kind = self.store.put_execution_type(pb.ExecutionType(name=node))
            execution = pb.Execution(type_id=kind, last_known_state=pb.Execution.State.Value(about["state"]))
            if "message" in about:
                result = {"code": about.get("code", 1), "resultMessage": about["message"]}
                execution.custom_properties["__execution_result__"].string_value = json.dumps(result)
            made = []
            for key, properties in about.get("outputs", {}).items():
                event = pb.Event(type=pb.Event.OUTPUT)
                event.path.steps.add().key = key
                made.append((self._artifact(key, properties), event))
            contexts = [self.pipeline, run, self._context("node", f"{self.name}.{node}")]
            self.store.put_execution(execution, made, contexts)

    def _context(self, kind: str, name: str) -> pb.Context:
        known = self.store.get_context_by_type_and_name(kind, name)
        if known is None:
            self.store.put_contexts([pb.Context(type_id=self.kinds[kind], name=name)])
            known = self.store.get_context_by_type_and_name(kind, name)
        return known

    def _artifact(self, key: str, properties: dict[str, Any]) -> pb.Artifact:
        kind = self.store.put_artifact_type(pb.ArtifactType(name=key))
        artifact = pb.Artifact(type_id=kind, uri=f"/artifacts/{key}", state=pb.Artifact.LIVE)
        for name, value in properties.items():
            field = "int_value" if isinstance(value, int) else "string_value"
            setattr(artifact.custom_properties[name], field, value)
        return artifact
