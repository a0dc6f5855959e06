"""What differs between two runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from flightline.api.html import html_table, section
from flightline.api.statistics import Statistics
from flightline.reporting import run_diff

if TYPE_CHECKING:
    from flightline.api.run import Run

MAX_ROWS_SHOWN = 12  # features and metrics in a notebook; the object has all


class RunDiff(run_diff.RunDiff):
    """What differs from run `before` to run `now`. In a notebook: tables of changes, shifted features and metrics."""

    _runs: tuple[Run, Run]

    @classmethod
    def from_record(cls, record: run_diff.RunDiff, runs: tuple[Run, Run]) -> RunDiff:
        """The same differences, with a representation for notebooks.

        Args:
            runs: the run before, and the one now.
        """
        made = cls(**vars(record))
        object.__setattr__(made, "_runs", runs)
        return made

    @property
    def statistics(self) -> Statistics:
        """The training split's statistics before and now, of the features whose distribution shifted most."""
        before, now = self._runs
        compared = now.statistics("train").compare(before.statistics("train"))
        shifted = [shift.feature for shift in self.feature_shifts[:MAX_ROWS_SHOWN]]
        return compared.select([name for name in shifted if name in compared.features]) if shifted else compared

    def __repr__(self) -> str:
        kinds = ("config", "code", "lock", "data", "schema", "feature_shifts", "metrics")
        counts = [f"{len(getattr(self, kind))} {kind.replace('_', ' ')}" for kind in kinds if getattr(self, kind)]
        return f"<RunDiff {self.before} → {self.now}: {', '.join(counts) or 'no differences'}>"

    def _repr_html_(self) -> str:
        if self.is_empty:
            return str(section(f"{self.before} → {self.now}: no differences"))
        changes = [
            (kind, change.name, change.before, change.now)
            for kind in ("config", "code", "lock", "data", "schema")
            for change in getattr(self, kind)
        ]
        shifts = [
            (s.feature, s.measure, s.distance, s.missing_before, s.missing_now)
            for s in self.feature_shifts[:MAX_ROWS_SHOWN]
        ]
        metrics = [
            (m.slice, m.metric, m.before, m.now, None if m.before is None or m.now is None else m.now - m.before)
            for m in self.metrics[:MAX_ROWS_SHOWN]
        ]
        shift_columns = ("feature", "measure", "distance", f"missing in {self.before}", f"missing in {self.now}")
        tables: list[tuple[str, Sequence[str], Sequence[Sequence[object]]]] = [
            ("Changes", ("kind", "name", self.before, self.now), changes),
            (f"Feature shifts ({len(self.feature_shifts)})", shift_columns, shifts),
            (f"Metrics ({len(self.metrics)})", ("slice", "metric", self.before, self.now, "change"), metrics),
        ]
        return "".join(str(section(title, html_table(columns, rows))) for title, columns, rows in tables if rows)
