"""The metrics of a run, by slice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from flightline.api.html import format_cell, html_table
from flightline.api.pictures import Pictures, draw_by_slice
from flightline.errors import UsageError
from flightline.metadata.evaluation import OVERALL, Evaluation
from flightline.reporting.html.view_model import COUNT_METRICS, slice_table

if TYPE_CHECKING:
    import pandas as pd


class Metrics(Mapping[str, float]):
    """Metric → value on all rows; called with a slice, on that slice. In a notebook: a table.

    Attributes:
        slice: the slice that the values are of; `overall` is all rows.
        evaluation: all that the Evaluator measured.
    """

    def __init__(self, run_id: str, evaluation: Evaluation, slice: str = OVERALL) -> None:  # noqa: A002 - the field's word
        self.slice = slice
        self.evaluation = evaluation
        self._run_id = run_id

    @classmethod
    def from_evaluation(cls, run_id: str, evaluation: Evaluation | None) -> Metrics:
        """The metrics on all rows.

        Raises:
            UsageError: nothing was evaluated.
        """
        if evaluation is None:
            raise UsageError(f"run {run_id} has no metrics", f"`flightline why {run_id}` explains why")
        return cls(run_id, evaluation)

    def __call__(self, slice: str = OVERALL) -> Metrics:  # noqa: A002 - the field's word
        """The metrics on a slice, `origin=JFK`.

        Raises:
            UsageError: the slice was not evaluated.
        """
        if slice not in self.evaluation.metrics:
            raise UsageError(f"run {self._run_id} has no metrics of slice {slice}", f"it has: {', '.join(self.slices)}")
        return Metrics(self._run_id, self.evaluation, slice)

    @property
    def slices(self) -> list[str]:
        """The slices that were evaluated, all rows (`overall`) first."""
        return sorted(self.evaluation.metrics, key=lambda name: name != OVERALL)

    @property
    def champion(self) -> Mapping[str, float]:
        """The champion's metrics on the same slice; empty where there was no champion."""
        return self.evaluation.champion.get(self.slice, {})

    def chart(self, metric: str, baseline: Metrics | None = None) -> Pictures:
        """A metric on every slice: dots for this run, rings for the champion or the `baseline`, a line for all rows."""
        evaluation = self.evaluation
        if baseline is not None:
            evaluation = replace(evaluation, champion=baseline.evaluation.metrics)
        return draw_by_slice(evaluation, metric)

    def to_pandas(self) -> pd.DataFrame:
        """Every metric of every slice as a DataFrame, a row each; the champion's in columns of their own."""
        import pandas as pd

        columns, rows = self._table()
        return pd.DataFrame(rows, columns=columns).set_index("slice")

    def _table(self) -> tuple[list[str], list[list[object]]]:
        """(columns, rows) of every slice, or of this one where it is not all rows."""
        shown = [OVERALL, *slice_table(self.evaluation).names] if self.slice == OVERALL else [self.slice]
        values, champion = self.evaluation.metrics, self.evaluation.champion
        names = sorted(
            {metric for name in shown for metric in values.get(name, {})}, key=lambda m: (m not in COUNT_METRICS, m)
        )
        compared = [m for m in names if m not in COUNT_METRICS] if champion else []
        rows: list[list[object]] = [
            [
                name,
                *(values.get(name, {}).get(metric) for metric in names),
                *(champion.get(name, {}).get(metric) for metric in compared),
            ]
            for name in shown
        ]
        return ["slice", *names, *(f"champion {metric}" for metric in compared)], rows

    def __getitem__(self, metric: str) -> float:
        return self.evaluation.metrics.get(self.slice, {})[metric]

    def __iter__(self) -> Iterator[str]:
        return iter(self.evaluation.metrics.get(self.slice, {}))

    def __len__(self) -> int:
        return len(self.evaluation.metrics.get(self.slice, {}))

    def __repr__(self) -> str:
        values = ", ".join(f"{name} {format_cell(value)}" for name, value in self.items() if name not in COUNT_METRICS)
        return f"<Metrics of run {self._run_id}, {self.slice}: {values}>"

    def _repr_html_(self) -> str:
        return str(html_table(*self._table()))
