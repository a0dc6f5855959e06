"""The result of a search for better settings, as plain data. Without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

TUNING_PROPERTY = "search"  # of the TunerResults artifact


@dataclass(frozen=True)
class Trial:
    """A training with other values; `score` is None where it failed."""

    name: str
    values: dict[str, Any]
    score: float | None


@dataclass(frozen=True)
class TuningResult:
    """The trials in the order in which they began; the first is of the settings as the config has them.

    `objective` is what was to be as low as possible, on held-out rows of the training split.
    """

    objective: str
    trials: list[Trial]

    @property
    def best(self) -> Trial:
        return min(self.completed, key=lambda trial: (trial.score, trial.name))

    @property
    def completed(self) -> list[Trial]:
        return [trial for trial in self.trials if trial.score is not None]

    @property
    def by_score(self) -> list[Trial]:
        """All trials, the best first, those that failed last."""
        return sorted(self.trials, key=lambda trial: (trial.score is None, trial.score or 0.0, trial.name))

    @property
    def description(self) -> str:
        """How many trials, the best of them, and what it changes."""
        failed = len(self.trials) - len(self.completed)
        first, best = self.trials[0], self.best
        changed = [f"{name} {value}" for name, value in sorted(best.values.items()) if first.values.get(name) != value]
        before = "failed" if first.score is None else f"{first.score:.5f}"
        told = f"{len(self.trials)} trial{'s' if len(self.trials) > 1 else ''}" + (
            f" ({failed} failed)" if failed else ""
        )
        found = f"{best.score:.5f} with {', '.join(changed)}" if changed else "nothing better"
        return f"{told}: {self.objective} {before} as the config has it, {found}"

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> TuningResult:
        return cls(kept["objective"], [Trial(**trial) for trial in kept["trials"]])
