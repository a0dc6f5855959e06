"""The result of a run, and what explains it."""

from __future__ import annotations

from collections.abc import Sequence

from flightline.api.html import html_table, section, verdict_card
from flightline.api.pictures import Picture
from flightline.executors.data_gate.findings import Finding
from flightline.reporting.html.charts.rows import rows_bar
from flightline.reporting.html.data import ReportData
from flightline.reporting.html.view_model import key_figures, run_verdict
from flightline.runs.explain import RunExplanation, ThresholdCheck


class Verdict:
    """The result of a run. In a notebook: a card with the key figures, the thresholds and the rows.

    Attributes:
        title: the result in a word or two: Released, Not released, Stopped by the data gate, ...
        sentence: what explains it.
        explanation: outcome, gate findings, thresholds and the reason of every step.
    """

    def __init__(self, explanation: RunExplanation, report: ReportData) -> None:
        self._headline = run_verdict(report.summary)
        self._report = report
        self.explanation = explanation
        self.title = self._headline.title
        self.sentence = self._headline.sentence

    @property
    def outcome(self) -> str:
        """What the run did in the end, in a sentence: `released to ...`, or why not."""
        return self.explanation.outcome

    @property
    def checks(self) -> Sequence[ThresholdCheck]:
        """The thresholds, with what was measured."""
        return self.explanation.checks

    @property
    def findings(self) -> Sequence[Finding]:
        """The findings of the data gate."""
        return self.explanation.gate

    def __repr__(self) -> str:
        return f"<Verdict of run {self.explanation.run}: {self.title}. {self.outcome}>"

    def _repr_html_(self) -> str:
        more = []
        rows = self._report.summary.rows if self._report.summary else None
        if rows is not None:
            more.append(section(f"Rows: {rows.read:,} read", Picture("Rows", rows_bar(rows)).image()))
        if self.checks:
            table = [
                ("met" if check.met else "missed", check.metric, check.slice, check.value, check.champion, check.bound)
                for check in self.checks
            ]
            columns = ("result", "metric", "slice", "value", "champion", "threshold")
            more.append(section("Thresholds", html_table(columns, table)))
        return str(verdict_card(self.explanation.run, self._headline, key_figures(self._report), *more))
