"""What an evaluation said, as plain data: metrics by slice, and by how much which threshold was missed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OVERALL = "overall"


def metric_key(class_name: str) -> str:
    """TFMA's name of a metric's values: `BinaryAccuracy` is written as `binary_accuracy`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()


@dataclass(frozen=True)
class Miss:
    """A threshold that was not met.

    Attributes:
        metric: which metric.
        slice: on which slice, `overall` or `feature=value`.
        value: what was measured, None where nothing was; for `against_champion`, the difference to the champion.
        side: "≥" or "≤".
        bound: what it had to be at least, or at most.
        against_champion: whether it is the difference to the champion that is bounded.
        confidence: where the difference to the champion had to be surely so, with which; `value` is then the lower end.
    """

    metric: str
    slice: str
    value: float | None
    side: str
    bound: float
    against_champion: bool = False
    confidence: float | None = None

    @property
    def by(self) -> float:
        """How far from the bound; infinite where nothing was measured."""
        return float("inf") if self.value is None else abs(self.value - self.bound)

    @property
    def sentence(self) -> str:
        if self.value is None:
            return f"{self.metric} on {self.slice} was not measured, must be {self.side} {self.bound:.4g}"
        what = f"{self.metric} against the champion" if self.against_champion else self.metric
        if self.confidence is not None:
            what = f"the lower end of {what} ({self.confidence:.0%} interval)"
        needed = f"must be {self.side} {self.bound:.4g}"
        return f"{what} on {self.slice} is {self.value:.4g}, {needed} (missed by {self.by:.2g})"


@dataclass(frozen=True)
class Difference:
    """Candidate - champion of one metric on all rows, and between what it lies with a confidence (bootstrap)."""

    metric: str
    difference: float
    lower: float
    upper: float
    confidence: float

    @property
    def in_words(self) -> str:
        interval = f"{self.confidence:.0%} interval {self.lower:+.4f} to {self.upper:+.4f}"
        return f"{self.metric} {self.difference:+.4f} ({interval})"


@dataclass(frozen=True)
class Evaluation:
    """What the Evaluator measured.

    Attributes:
        metrics: slice → metric → value; `overall` is all rows.
        champion: the same for the champion; empty where there is none.
        misses: the thresholds that were not met, the widest first.
        blessed: the verdict; None where there were no thresholds.
        unchecked: slices that a threshold asks for and that no row belongs to.
        bounds: what a metric has to be on all rows, in words, by metric.
        differences: to the champion, with their intervals; empty where there is none, or no executor of ours compared.
        champion_problem: why the champion could not be loaded, so that nothing was compared; else empty.
    """

    metrics: Mapping[str, Mapping[str, float]]
    champion: Mapping[str, Mapping[str, float]]
    misses: list[Miss]
    blessed: bool | None
    unchecked: list[str]
    bounds: Mapping[str, str] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)
    champion_problem: str = ""

    @property
    def against(self) -> str:
        """What a blessed candidate was held against."""
        if self.champion:
            return "its thresholds and the champion"
        if self.champion_problem:
            return f"its thresholds alone: the champion could not be loaded ({self.champion_problem})"
        return "its thresholds (there is no champion)"

    def worst_slice(self, metric: str, least_rows: int = 1) -> tuple[str, float] | None:
        """The slice with the worst value of a metric, among those with enough rows for it to mean something."""
        values = {
            name: found[metric]
            for name, found in self.metrics.items()
            if name != OVERALL and metric in found and found.get("example_count", 0) >= least_rows
        }
        if not values:
            return None
        if metric in AROUND_ONE:
            worst = max(values, key=lambda name: abs(values[name] - 1))
        else:
            worst = (max if metric in LOWER_IS_BETTER else min)(values, key=values.__getitem__)
        return worst, values[worst]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; each miss carries its sentence for readers that only show it."""
        misses = [{**asdict(miss), "sentence": miss.sentence} for miss in self.misses]
        return {**asdict(self), "misses": misses}

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> Evaluation:
        misses = [Miss(**{k: v for k, v in miss.items() if k != "sentence"}) for miss in kept["misses"]]
        differences = [Difference(**difference) for difference in kept.get("differences", [])]
        return cls(**{**kept, "misses": misses, "differences": differences})


LOWER_IS_BETTER = {"binary_crossentropy", "loss", "mean_absolute_error", "mean_squared_error"}
AROUND_ONE = {"calibration"}
