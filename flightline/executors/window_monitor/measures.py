"""What was measured on a window of the prediction log, and whether it is beyond what is accepted. Decides no alert."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Side = Literal["above", "below"]


@dataclass(frozen=True)
class Measure:
    """One number with its threshold.

    Attributes:
        kind: skew, drift, ... (`settings.Kind`).
        subject: the feature or the metric; empty for the window as a whole.
        value: as measured. threshold: from which on it is too much.
        bad: whether it is bad `above` or `below` the threshold.
        measure: what the number is, in words. against: what it was compared with.
        rows: how many it was measured on.
    """

    kind: str
    subject: str
    value: float
    threshold: float
    bad: Side = "above"
    measure: str = ""
    against: str = ""
    rows: int = 0

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.subject}" if self.subject else self.kind

    @property
    def breached(self) -> bool:
        """Whether it is beyond its threshold."""
        return self.value > self.threshold if self.bad == "above" else self.value < self.threshold

    @property
    def threshold_ratio(self) -> float:
        """How near the value is to the threshold: 1 at it, more beyond it."""
        if self.bad == "above":
            return self.value / self.threshold if self.threshold else float(self.value > 0) * 2
        return self.threshold / self.value if self.value else 2.0

    def may_clear(self, share: float) -> bool:
        """Whether it is so far from its threshold that an alert may end; at `share` of it where it is bad above."""
        if self.bad == "above":
            return self.value <= self.threshold * share
        return self.value >= self.threshold + (1 - share) * abs(self.threshold) * 0.1

    @property
    def sentence(self) -> str:
        """What it is, for a person."""
        what = f"{self.measure} of {self.subject}" if self.subject else self.measure
        side = "more" if self.bad == "above" else "less"
        against = f" against {self.against}" if self.against else ""
        return f"{what} is {self.value:.4g}{against}; {side} than {self.threshold:.4g} is too {_limit_word(self.bad)}"


def _limit_word(bad: Side) -> str:
    return "much" if bad == "above" else "little"


@dataclass(frozen=True)
class Window:
    """A stretch of the prediction log and what became of its requests.

    Attributes:
        since, until: microseconds since the epoch; the end is not part of it.
        rows: answered rows by version. requests: by outcome (answered, refused, failed).
        labelled: labelled rows by version (`served`), and of answers given aside (`shadow`).
        lost: rows that the log dropped or lost in the window.
        unmatched: labels that came back for no answer on record.
        latency_ms: percentile (p50, p99) → milliseconds.
        previous: run that measured the window before; empty where none did.
        single_class_versions: versions whose labels, of two values, were all the same.
    """

    since: int
    until: int
    rows: dict[str, int] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    labelled: dict[str, dict[str, int]] = field(default_factory=dict)
    lost: int = 0
    unmatched_labels: int = 0
    latency_ms: dict[str, float] = field(default_factory=dict)
    previous: str = ""
    single_class_versions: tuple[str, ...] = ()

    @property
    def answered(self) -> int:
        """In rows."""
        return sum(self.rows.values())

    @property
    def asked(self) -> int:
        """In requests."""
        return sum(self.requests.values())


@dataclass(frozen=True)
class MonitoringResult:
    """A window and all that was measured on it.

    Attributes:
        metrics: `served` or `shadow` → version → metric → value, on labelled rows.
        slices: slice of the served rows → metric → value.
    """

    window: Window
    measures: list[Measure]
    metrics: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    slices: dict[str, dict[str, float]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, kept: Mapping[str, Any]) -> MonitoringResult:
        """Reads what `to_dict` gave.

        Raises:
            ValueError: it is nothing of the kind.
        """
        try:
            return cls(
                Window(**kept["window"]),
                [Measure(**one) for one in kept["measures"]],
                kept["metrics"],
                kept["slices"],
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what monitoring measured: {json.dumps(kept)[:80]}") from error


def breached_measures(measures: Iterable[Measure]) -> list[Measure]:
    """Those beyond their thresholds."""
    return [measure for measure in measures if measure.breached]
