"""A run and its steps, as ML Metadata records them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flightline.metadata.evaluation import Evaluation, read_evaluation
from flightline.metadata.properties import properties_of
from flightline.metadata.row_accounting import RowAccounting, parse_row_accounting
from flightline.metadata.step import Step


@dataclass(frozen=True)
class Run:
    """One run of a pipeline.

    Attributes:
        run_id: its name, and that of its folder.
        pipeline: the pipeline's name.
        started_ms: milliseconds since the epoch.
        steps: by node id, in the order in which they were started.
        properties: the facts recorded with the run (commit, user, config, ...).
    """

    run_id: str
    pipeline: str
    started_ms: int
    steps: dict[str, Step]
    properties: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def state(self) -> str:
        """COMPLETE, FAILED, CANCELED or RUNNING. A run that was killed stays RUNNING."""
        states = {step.state for step in self.steps.values()}
        for failure_state in ("FAILED", "CANCELED"):
            if failure_state in states:
                return failure_state
        return "RUNNING" if states & {"RUNNING", "NEW"} else "COMPLETE"

    @property
    def duration_s(self) -> float:
        """From its start to the last update of its last step."""
        ends = [step.ended_ms for step in self.steps.values()]
        return (max(ends) - self.started_ms) / 1000 if ends else 0.0

    @property
    def rows(self) -> RowAccounting | None:
        """Rows read, used by split, and rejected by reason; None where the run did not read any."""
        step = self.steps.get("ExampleGen")
        artifact = step.output("examples") if step else None
        return parse_row_accounting(properties_of(artifact)) if artifact else None

    @property
    def blessed(self) -> bool | None:
        """The Evaluator's decision; None where it made none."""
        return self._flag("Evaluator", "blessing", "blessed")

    @property
    def servable(self) -> bool | None:
        """The decision of the serving check; None where it made none."""
        return self._flag("ServingCheck", "blessing", "blessed")

    @property
    def pushed(self) -> str | None:
        """The folder that the Pusher copied the model to; None where it did not."""
        step = self.steps.get("Pusher")
        artifact = step.output("pushed_model") if step and step.done else None
        properties = properties_of(artifact) if artifact else {}
        return properties.get("pushed_destination") if properties.get("pushed") else None

    @property
    def evaluation(self) -> Evaluation | None:
        """Metrics of every slice, the champion's, and the missed thresholds; None where nothing was evaluated."""
        return read_evaluation(self.steps)

    def _flag(self, node: str, output: str, name: str) -> bool | None:
        step = self.steps.get(node)
        artifact = step.output(output) if step and step.done else None
        value = properties_of(artifact).get(name) if artifact else None
        return None if value is None else bool(value)
