"""The results of an evaluation, as plain data: metrics by slice, the thresholds that were missed, and by how much."""

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
COUNT_METRICS = {"example_count", "weighted_example_count"}
# The worst slice is looked for among slices with at least this share of the rows, and at least this many: in smaller
# ones chance decides.
MIN_SLICE_SHARE, MIN_SLICE_ROWS = 0.002, 50
# Why a metric can have no value, where the reason is worth knowing: part of the sentence about the missed threshold.
_MISSING_VALUE_REASONS = {"squared_pearson_correlation": ": all predictions, or all labels, are equal"}


def metric_key(class_name: str) -> str:
    """TFMA's name of a metric's values: `BinaryAccuracy` is written as `binary_accuracy`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", class_name).lower()


LOWER_IS_BETTER = {"loss", *(metric_key(metric) for metric, sign in METRIC_DIRECTION.items() if sign < 0)}
ONE_IS_BEST = {"calibration"}


@dataclass(frozen=True)
class MissedThreshold:
    """A threshold that was not met.

    Attributes:
        metric: the metric's name.
        slice: the slice, `overall` or `feature=value`.
        value: the measured value, None where there is none; with `against_champion`, candidate - champion.
        comparison: "≥" or "≤".
        threshold: the lower or upper bound of the value.
        against_champion: whether the threshold is on the difference to the champion.
        confidence: the confidence that the difference needed, where the config sets one; `value` is then the lower
            end of its interval.
        gap: for a gap between slices that is too wide, a sentence about it; `slice` then names the slicing columns.
    """

    metric: str
    slice: str
    value: float | None
    comparison: str
    threshold: float
    against_champion: bool = False
    confidence: float | None = None
    gap: str | None = None

    @property
    def margin(self) -> float:
        """Distance between the value and the threshold; infinite where there is no value."""
        return float("inf") if self.value is None else abs(self.value - self.threshold)

    @property
    def sentence(self) -> str:
        """The miss in words, without a full stop."""
        if self.gap:
            return self.gap
        required = f"must be {self.comparison} {self.threshold:.4g}"
        if self.value is None:
            reason = _MISSING_VALUE_REASONS.get(self.metric, "")
            return f"{self.metric} on {self.slice} has no value{reason}, {required}"
        measure = f"{self.metric} minus the champion's" if self.against_champion else self.metric
        if self.confidence is not None:
            measure = f"the lower end of {measure} ({self.confidence:.0%} interval)"
        return f"{measure} on {self.slice} is {self.value:.4g}, {required} (missed by {self.margin:.2g})"


@dataclass(frozen=True)
class ChampionDifference:
    """Candidate - champion in one metric on all rows.

    Attributes:
        metric: the metric's name.
        difference: on the evaluation rows as they are.
        lower: lower end of the bootstrap confidence interval of the difference; None where none was computed.
        upper: its upper end.
        confidence: of the interval, two-sided.
    """

    metric: str
    difference: float
    lower: float | None = None
    upper: float | None = None
    confidence: float | None = None

    @property
    def description(self) -> str:
        """The difference in words, with its interval."""
        if self.lower is None or self.upper is None or self.confidence is None:
            return f"{self.metric} {self.difference:+.4f}"
        interval = f"{self.confidence:.0%} interval {self.lower:+.4f} to {self.upper:+.4f}"
        return f"{self.metric} {self.difference:+.4f} ({interval})"


@dataclass(frozen=True)
class SliceGap:
    """The difference of one metric between the best and the worst slice, and its limit.

    Attributes:
        metric: the metric's name.
        columns: the columns that define the slices, separated by commas (`origin,carrier`).
        max_gap: greatest difference allowed.
        min_slice_size: slices with fewer rows are not compared.
        slices: number of slices with enough rows.
        best, worst: names of slices, with their values and rows; empty where fewer than two slices have a value.
        slices_without_value: slices with enough rows and no value, such as precision where nothing was predicted
            positive.
    """

    metric: str
    columns: str
    max_gap: float
    min_slice_size: int
    slices: int
    best: str
    best_value: float | None
    best_rows: int
    worst: str
    worst_value: float | None
    worst_rows: int
    slices_without_value: list[str]

    @property
    def value(self) -> float | None:
        """The difference; None where a slice has no value, or there are fewer than two slices."""
        if self.best_value is None or self.worst_value is None or self.slices_without_value:
            return None
        return abs(self.best_value - self.worst_value)

    @property
    def within_limit(self) -> bool:
        """A gap without a value is not within its limit."""
        return self.value is not None and self.value <= self.max_gap

    @property
    def description(self) -> str:
        """The gap in words, without its limit."""
        gap = f"the gap in {self.metric} by {self.columns.replace(',', ' × ')}"
        if self.slices_without_value:
            return f"{gap} has no value: no {self.metric} on {', '.join(self.slices_without_value[:3])}"
        if self.best_value is None or self.worst_value is None:
            return f"{gap} has no value: it needs two slices of {self.min_slice_size:,} rows, there are {self.slices}"
        best = f"{self.best} ({self.best_value:.4f}, {self.best_rows:,} rows)"
        worst = f"{self.worst} ({self.worst_value:.4f}, {self.worst_rows:,} rows)"
        return f"{gap} is {self.value:.4g} between {best} and {worst}"

    @property
    def missed_threshold(self) -> MissedThreshold:
        """This gap as a missed threshold, for a gap that is not within its limit."""
        sentence = f"{self.description}, must be ≤ {self.max_gap:.4g}"
        if self.value is not None:
            sentence += f" (missed by {self.value - self.max_gap:.2g})"
        return MissedThreshold(self.metric, self.columns, self.value, "≤", self.max_gap, gap=sentence)


@dataclass(frozen=True)
class Evaluation:
    """The results of the Evaluator.

    Attributes:
        metrics: slice → metric → value; `overall` is all rows.
        champion: the same for the champion; empty where there is none.
        missed_thresholds: the thresholds that were not met, the widest miss first.
        blessed: the verdict; None where there were no thresholds.
        slices_without_rows: slices that have a threshold and no row.
        bounds: metric → its bounds on all rows, as text (`≥ 0.9`).
        differences: to the champion; empty where there is none.
        champion_load_error: why the champion could not be loaded, so that nothing was compared; else empty.
        gaps: the gaps between slices that have a limit; one beyond its limit is in `missed_thresholds` too.
    """

    metrics: Mapping[str, Mapping[str, float]]
    champion: Mapping[str, Mapping[str, float]]
    missed_thresholds: list[MissedThreshold]
    blessed: bool | None
    slices_without_rows: list[str]
    bounds: Mapping[str, str] = field(default_factory=dict)
    differences: list[ChampionDifference] = field(default_factory=list)
    champion_load_error: str = ""
    gaps: list[SliceGap] = field(default_factory=list)

    @property
    def compared_with(self) -> str:
        """What the candidate was compared with, in words."""
        if self.champion:
            return "its thresholds and the champion"
        if self.champion_load_error:
            return f"its thresholds only: the champion could not be loaded ({self.champion_load_error})"
        return "its thresholds (there is no champion)"

    @property
    def min_slice_rows(self) -> int:
        """Rows that a slice needs to be shown as the worst one."""
        return max(MIN_SLICE_ROWS, round(MIN_SLICE_SHARE * self.metrics.get(OVERALL, {}).get("example_count", 0)))

    def worst_slice(self, metric: str, min_slice_size: int = 1) -> tuple[str, float] | None:
        """The slice with the worst value of a metric, among the slices with enough rows."""
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
        """JSON-ready; each missed threshold has its sentence, for readers that only show it."""
        missed = [{**asdict(miss), "sentence": miss.sentence} for miss in self.missed_thresholds]
        return {**asdict(self), "missed_thresholds": missed}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Evaluation:
        """The inverse of `to_dict`. Raises KeyError or TypeError where `data` is something else."""
        missed = [
            {name: value for name, value in miss.items() if name != "sentence"} for miss in data["missed_thresholds"]
        ]
        return cls(
            **{
                **data,
                "missed_thresholds": [MissedThreshold(**miss) for miss in missed],
                "differences": [ChampionDifference(**difference) for difference in data["differences"]],
                "gaps": [SliceGap(**gap) for gap in data["gaps"]],
            }
        )


def save_evaluation(store: mlmd.MetadataStore, steps: Mapping[str, Step], evaluation: Evaluation) -> None:
    """Adds the evaluation to the run's ModelEvaluation artifact."""
    artifact = steps["Evaluator"].output("evaluation")
    if artifact is not None:
        artifact.custom_properties[EVALUATION_PROPERTY].string_value = json.dumps(evaluation.to_dict(), sort_keys=True)
        store.put_artifacts([artifact])


def read_evaluation(steps: Mapping[str, Step]) -> Evaluation | None:
    """The results of the run's Evaluator; None where it did not finish, or another runner ran it."""
    step = steps.get("Evaluator")
    artifact = step.output("evaluation") if step and step.done else None
    text = properties_of(artifact).get(EVALUATION_PROPERTY) if artifact else None
    return Evaluation.from_dict(json.loads(text)) if text else None
