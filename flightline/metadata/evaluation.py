"""What an evaluation said, as plain data: metrics by slice, and by how much which threshold was missed."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import ml_metadata as mlmd

from flightline.config.evaluation import METRIC_DIRECTION
from flightline.metadata.properties import properties_of
from flightline.metadata.step import Step

OVERALL = "overall"
EVALUATION_PROPERTY = "evaluation"  # of the ModelEvaluation artifact
# Why a metric has no value, where that says something of the model: for those who read of a threshold missed.
_MISSING_VALUE_REASONS = {"squared_pearson_correlation": ": all answers, or all labels, are the same"}


def metric_key(class_name: str) -> str:
    """TFMA's name of a metric's values: `BinaryAccuracy` is written as `binary_accuracy`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()


@dataclass(frozen=True)
class MissedThreshold:
    """A threshold that was not met.

    Attributes:
        metric: which metric.
        slice: on which slice, `overall` or `feature=value`.
        value: what was measured, None where nothing was; for `against_champion`, the difference to the champion.
        side: "≥" or "≤".
        bound: what it had to be at least, or at most.
        against_champion: whether it is the difference to the champion that is bounded.
        confidence: where the difference to the champion had to be surely so, with which; `value` is then the lower end.
        gap: where two slices are too far apart, the sentence that says so; `slice` is then the columns that cut them.
    """

    metric: str
    slice: str
    value: float | None
    side: str
    bound: float
    against_champion: bool = False
    confidence: float | None = None
    gap: str | None = None

    @property
    def by(self) -> float:
        """How far from the bound; infinite where nothing was measured."""
        return float("inf") if self.value is None else abs(self.value - self.bound)

    @property
    def sentence(self) -> str:
        if self.gap:
            return self.gap
        if self.value is None:
            why = _MISSING_VALUE_REASONS.get(self.metric, "")
            return f"{self.metric} on {self.slice} was not measured{why}, must be {self.side} {self.bound:.4g}"
        what = f"{self.metric} against the champion" if self.against_champion else self.metric
        if self.confidence is not None:
            what = f"the lower end of {what} ({self.confidence:.0%} interval)"
        needed = f"must be {self.side} {self.bound:.4g}"
        return f"{what} on {self.slice} is {self.value:.4g}, {needed} (missed by {self.by:.2g})"


@dataclass(frozen=True)
class ChampionDifference:
    """Candidate - champion of one metric on all rows, as measured.

    Attributes:
        metric: what was measured.
        difference: on the rows as they are.
        lower: from what it lies on with `confidence` (bootstrap); None where no interval was made.
        upper: and up to what.
        confidence: of the interval, two-sided.
    """

    metric: str
    difference: float
    lower: float | None = None
    upper: float | None = None
    confidence: float | None = None

    @property
    def description(self) -> str:
        if self.lower is None or self.upper is None or self.confidence is None:
            return f"{self.metric} {self.difference:+.4f}"
        interval = f"{self.confidence:.0%} interval {self.lower:+.4f} to {self.upper:+.4f}"
        return f"{self.metric} {self.difference:+.4f} ({interval})"


@dataclass(frozen=True)
class SliceGap:
    """How far the best and the worst slice are apart in one metric, and how far they may be.

    Attributes:
        metric, by: of what, and the columns that cut the rows (`origin,carrier`).
        at_most, min_slice_size: how far apart, among the slices with so many rows.
        slices: how many have them.
        best, worst: names of slices, with their values and rows; empty where less than two were measured.
        unmeasured: slices with enough rows and no value: precision where nothing was predicted positive.
    """

    metric: str
    by: str
    at_most: float
    min_slice_size: int
    slices: int
    best: str
    best_value: float | None
    best_rows: int
    worst: str
    worst_value: float | None
    worst_rows: int
    unmeasured: list[str]

    @property
    def value(self) -> float | None:
        """The difference; None where it cannot be said."""
        if self.best_value is None or self.worst_value is None or self.unmeasured:
            return None
        return abs(self.best_value - self.worst_value)

    @property
    def met(self) -> bool:
        """A gap that cannot be measured is not met."""
        return self.value is not None and self.value <= self.at_most

    @property
    def description(self) -> str:
        """What was measured."""
        asked = f"the gap in {self.metric} by {self.by.replace(',', ' × ')}"
        if self.unmeasured:
            return f"{asked} was not measured: no {self.metric} on {', '.join(self.unmeasured[:3])}"
        if self.best_value is None or self.worst_value is None:
            return (
                f"{asked} was not measured: {self.slices} of its slices have {self.min_slice_size:,} rows, it takes two"
            )
        best = f"{self.best} ({self.best_value:.4f}, {self.best_rows:,} rows)"
        worst = f"{self.worst} ({self.worst_value:.4f}, {self.worst_rows:,} rows)"
        return f"{asked} is {self.value:.4g} between {best} and {worst}"

    @property
    def miss(self) -> MissedThreshold:
        """The threshold that was not met, for those that show misses."""
        told = f"{self.description}, must be ≤ {self.at_most:.4g}"
        if self.value is not None:
            told += f" (missed by {self.value - self.at_most:.2g})"
        return MissedThreshold(self.metric, self.by, self.value, "≤", self.at_most, gap=told)


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
        differences: to the champion; empty where there is none.
        champion_load_error: why the champion could not be loaded, so that nothing was compared; else empty.
        gaps: between slices, those that are bounded; a gap that is too wide is among the misses too.
    """

    metrics: Mapping[str, Mapping[str, float]]
    champion: Mapping[str, Mapping[str, float]]
    misses: list[MissedThreshold]
    blessed: bool | None
    slices_without_rows: list[str]
    bounds: Mapping[str, str] = field(default_factory=dict)
    differences: list[ChampionDifference] = field(default_factory=list)
    champion_load_error: str = ""
    gaps: list[SliceGap] = field(default_factory=list)

    @property
    def against(self) -> str:
        """What a blessed candidate was held against."""
        if self.champion:
            return "its thresholds and the champion"
        if self.champion_load_error:
            return f"its thresholds alone: the champion could not be loaded ({self.champion_load_error})"
        return "its thresholds (there is no champion)"

    def worst_slice(self, metric: str, min_slice_size: int = 1) -> tuple[str, float] | None:
        """The slice with the worst value of a metric, among those with enough rows for it to mean something."""
        values = {
            name: found[metric]
            for name, found in self.metrics.items()
            if name != OVERALL and metric in found and found.get("example_count", 0) >= min_slice_size
        }
        if not values:
            return None
        if metric in ONE_IS_BEST:
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
        misses = [MissedThreshold(**{k: v for k, v in miss.items() if k != "sentence"}) for miss in kept["misses"]]
        measured = kept["metrics"].get(OVERALL, {})  # which an amount's AUC, of evaluations before, is not in
        differences = [ChampionDifference(**one) for one in kept.get("differences", []) if one["metric"] in measured]
        gaps = [SliceGap(**gap) for gap in kept.get("gaps", [])]
        return cls(**{**kept, "misses": misses, "differences": differences, "gaps": gaps})


LOWER_IS_BETTER = {"loss", *(metric_key(metric) for metric, sign in METRIC_DIRECTION.items() if sign < 0)}
ONE_IS_BEST = {"calibration"}


def save_evaluation(store: mlmd.MetadataStore, steps: Mapping[str, Step], evaluation: Evaluation) -> None:
    """Adds the evaluation to the run's ModelEvaluation artifact."""
    artifact = steps["Evaluator"].output("evaluation")
    if artifact is not None:
        artifact.custom_properties[EVALUATION_PROPERTY].string_value = json.dumps(evaluation.to_dict(), sort_keys=True)
        store.put_artifacts([artifact])


def read_evaluation(steps: Mapping[str, Step]) -> Evaluation | None:
    """What the run's Evaluator measured; None where it did not get that far, or another runner than ours ran it."""
    step = steps.get("Evaluator")
    artifact = step.output("evaluation") if step and step.done else None
    text = properties_of(artifact).get(EVALUATION_PROPERTY) if artifact else None
    return Evaluation.from_dict(json.loads(text)) if text else None
