"""Measured values of a window of the prediction log, each with its threshold. Alerts are decided elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Side = Literal["above", "below"]


@dataclass(frozen=True)
class Measure:
    """One measured value with its threshold.

    Attributes:
        kind: skew, drift, ... (`config.monitoring.AlertKind`).
        subject: the feature or the metric; empty for the window as a whole.
        value: the measured value.
        threshold: the largest or smallest acceptable value.
        breach_side: whether the value is unacceptable `above` or `below` the threshold.
        measure: what the value is, for people.
        compared_with: the baseline of the comparison, for people.
        rows: the number of rows or requests that it was measured on.
    """

    kind: str
    subject: str
    value: float
    threshold: float
    breach_side: Side = "above"
    measure: str = ""
    compared_with: str = ""
    rows: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.subject}" if self.subject else self.kind

    @property
    def breached(self) -> bool:
        """Whether the value is beyond its threshold."""
        return self.value > self.threshold if self.breach_side == "above" else self.value < self.threshold

    @property
    def threshold_ratio(self) -> float:
        """How close the value is to its threshold: 1 at the threshold, more beyond it."""
        if self.breach_side == "above":
            return self.value / self.threshold if self.threshold else float(self.value > 0) * 2
        return self.threshold / self.value if self.value else 2.0

    def may_clear(self, ratio: float) -> bool:
        """Whether the value is far enough within its threshold to clear an alert.

        With an upper threshold: at `ratio` of it or less. With a lower one: above it by a tenth of 1 - `ratio`.
        """
        if self.breach_side == "above":
            return self.value <= self.threshold * ratio
        return self.value >= self.threshold + (1 - ratio) * abs(self.threshold) * 0.1

    @property
    def sentence(self) -> str:
        """The value and its threshold, for people."""
        name = f"{self.measure} of {self.subject}" if self.subject else self.measure
        baseline = f" (compared with {self.compared_with})" if self.compared_with else ""
        limit = "at most" if self.breach_side == "above" else "at least"
        return f"{name} is {self.value:.4g}{baseline}; the threshold is {limit} {self.threshold:.4g}"


@dataclass(frozen=True)
class Window:
    """A time window of the prediction log, and what happened to its requests.

    Attributes:
        since, until: microseconds since the epoch; the end is exclusive.
        rows: version → answered rows.
        requests: outcome (answered, invalid, failed) → requests.
        labelled: source (`served` or `shadow`) → version → labelled rows.
        lost_rows: rows that the log dropped or lost in the window.
        unmatched_labels: labels whose prediction is not in the log.
        latency_ms: percentile (p50, p99) → milliseconds.
        single_class_versions: versions of a binary model whose labels all have the same value.
    """

    since: int
    until: int
    rows: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, dict[str, int]] = field(default_factory=dict)
    lost_rows: int = 0
    unmatched_labels: int = 0
    latency_ms: dict[str, float] = field(default_factory=dict)
    single_class_versions: tuple[str, ...] = ()

    @property
    def answered_rows(self) -> int:
        """The number of rows that got a prediction."""
        return sum(self.rows.values())

    @property
    def request_count(self) -> int:
        """The number of requests, whatever their outcome."""
        return sum(self.requests.values())


@dataclass(frozen=True)
class MonitoringResult:
    """A window and everything that was measured on it.

    Attributes:
        metrics: source (`served` or `shadow`) → version → metric → value, on labelled rows.
        slices: slice of the served rows → metric → value.
    """

    window: Window
    measures: list[Measure]
    metrics: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    slices: dict[str, dict[str, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MonitoringResult:
        """The inverse of `to_dict`.

        Raises:
            ValueError: `data` has another form.
        """
        try:
            return cls(
                Window(**data["window"]),
                [Measure(**one) for one in data["measures"]],
                data["metrics"],
                data["slices"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a monitoring result: {json.dumps(data)[:80]}") from error


def breached_measures(measures: Iterable[Measure]) -> list[Measure]:
    """The measures beyond their thresholds."""
    return [measure for measure in measures if measure.breached]
