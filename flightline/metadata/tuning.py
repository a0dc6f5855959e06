"""The result of a hyperparameter search, as plain data. Does not import TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

TUNING_PROPERTY = "search"  # of the TunerResults artifact


@dataclass(frozen=True)
class Trial:
    """One training with its settings; `score` is None where it failed."""

    name: str
    values: dict[str, Any]
    score: float | None


@dataclass(frozen=True)
class TuningResult:
    """All trials of a search.

    Attributes:
        objective: the metric that the search minimizes, on rows held out of the training split.
        trials: in the order in which they started; the first has the configured settings.
    """

    objective: str
    trials: list[Trial]

    @property
    def best(self) -> Trial:
        """The trial with the lowest score."""
        return min(self.completed, key=lambda trial: (trial.score, trial.name))

    @property
    def completed(self) -> list[Trial]:
        """The trials that did not fail."""
        return [trial for trial in self.trials if trial.score is not None]

    @property
    def by_score(self) -> list[Trial]:
        """All trials, the best first, those that failed last."""
        return sorted(self.trials, key=lambda trial: (trial.score is None, trial.score or 0.0, trial.name))

    @property
    def description(self) -> str:
        """The number of trials, the first score, and the best one with its changed settings, in words."""
        failed = len(self.trials) - len(self.completed)
        first, best = self.trials[0], self.best
        changed = [f"{name} {value}" for name, value in sorted(best.values.items()) if first.values.get(name) != value]
        baseline = "failed" if first.score is None else f"{first.score:.5f}"
        plural = "s" if len(self.trials) > 1 else ""
        count = f"{len(self.trials)} trial{plural}" + (f" ({failed} failed)" if failed else "")
        result = f"{best.score:.5f} with {', '.join(changed)}" if changed else "no trial is better"
        return f"{count}: {self.objective} {baseline} with the configured settings, {result}"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TuningResult:
        """The inverse of `to_dict`."""
        return cls(data["objective"], [Trial(**trial) for trial in data["trials"]])
