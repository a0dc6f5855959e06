"""The steps of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from flightline.api.html import html_table
from flightline.api.pictures import Picture, Pictures
from flightline.metadata.step import Step
from flightline.reporting.html.charts.dag import dag_chart
from flightline.reporting.html.data import StepFacts
from flightline.reporting.html.svg import format_duration
from flightline.runs.explain import StepReason


class Steps(Mapping[str, Step]):
    """Node → step, in the order of their start. In a notebook: the DAG, and a table of states, times and reasons.

    Attributes:
        reasons: node → why the step ran, was cached or failed.
    """

    def __init__(self, steps: Mapping[str, Step], facts: Sequence[StepFacts], reasons: Sequence[StepReason]) -> None:
        self.reasons = {item.node: item.reason for item in reasons}
        self._steps = dict(steps)
        self._facts = list(facts)

    @property
    def chart(self) -> Pictures:
        """The DAG with each step's state and time."""
        return Pictures([Picture("Steps", dag_chart(self._facts))])

    def __getitem__(self, node: str) -> Step:
        return self._steps[node]

    def __iter__(self) -> Iterator[str]:
        return iter(self._steps)

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        return f"<Steps: {', '.join(f'{node} {step.state.lower()}' for node, step in self.items())}>"

    def _repr_html_(self) -> str:
        rows = [
            (step.node, step.state, format_duration(step.seconds), step.rows, self.reasons.get(step.node, step.message))
            for step in self._facts
        ]
        table = html_table(("step", "state", "time", "rows", "reason"), rows)
        return self.chart._repr_html_() + str(table)
