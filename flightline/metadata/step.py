"""A step of a run: one execution, as ML Metadata has it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.key_parts import KeyParts
from flightline.metadata.properties import KEY_PARTS_PROPERTY


@dataclass(frozen=True)
class Step:
    """One node's execution in a run.

    Attributes:
        node: the node's id in the DAG.
        state: COMPLETE, CACHED, FAILED, RUNNING or CANCELED.
        execution_id: its id in ML Metadata.
        started_ms: milliseconds since the epoch.
        ended_ms: the same, of the last update.
        code: the exit code of a failed step.
        message: the reason of its failure.
        inputs: artifacts by channel key.
        outputs: the same, of its outputs.
        properties: the execution's properties in ML Metadata.
        cached_from: of a cached step, the run that made its outputs.
    """

    node: str
    execution_id: int
    state: str
    started_ms: int
    ended_ms: int
    code: int = 0
    message: str = ""
    inputs: dict[str, list[pb.Artifact]] = field(default_factory=dict, repr=False)
    outputs: dict[str, list[pb.Artifact]] = field(default_factory=dict, repr=False)
    properties: dict[str, Any] = field(default_factory=dict, repr=False)
    cached_from: str | None = None

    @property
    def key_parts(self) -> KeyParts | None:
        """The parts of its cache key; None where a stock TFX runner launched it."""
        text = self.properties.get(KEY_PARTS_PROPERTY)
        return KeyParts.from_json(text) if text else None

    @property
    def done(self) -> bool:
        """Whether its outputs exist, made by this run or cached from an earlier one."""
        return self.state in {"COMPLETE", "CACHED"}

    def output(self, key: str) -> pb.Artifact | None:
        """The first artifact of an output channel."""
        artifacts = self.outputs.get(key) or [None]
        return artifacts[0]
