"""A run and its steps, as ML Metadata records them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from pipeline.cache import KEY_PROPERTY, KeyParts
from pipeline.metadata import reading
from pipeline.metadata.evaluations import evaluation_of
from pipeline.metadata.store import properties_of
from pipeline.rows import RowAccounting, row_accounting
from pipeline.verdict import OVERALL, Evaluation


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
