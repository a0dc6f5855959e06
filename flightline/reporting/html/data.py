"""What a report shows, as plain data: collected once, kept as `report.json`, drawn as often as one likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flightline.config.release import ModelCardConfig
from flightline.metadata.provenance import Provenance
from flightline.reporting.summary import Summary
from flightline.utils.distribution_distance import Histogram

REPORT_JSON, REPORT_HTML = "report.json", "report.html"  # in the folder of the run
SCORING_JSON, MONITORING_JSON = "scored.json", "monitoring.json"  # in that of a run beside training, when it is done


@dataclass(frozen=True)
class StepFacts:
    """One node of the DAG.

    Attributes:
        state: ran, cached, failed, canceled, running or not run.
        seconds, cpu_seconds: wall and CPU time (children included); None where it was not measured.
        rows: rows it worked on, where it has any to speak of.
        message: what a failed step gave as its reason.
        upstream: the nodes that it waits for.
    """

    node: str
    state: str
    seconds: float | None = None
    cpu_seconds: float | None = None
    rows: int | None = None
    message: str = ""
    upstream: tuple[str, ...] = ()


@dataclass(frozen=True)
class ArtifactFacts:
    """An artifact that a step of this run took or made.

    Attributes:
        id: in ML Metadata; type: the name of its type; key: the output that it came from.
        node, run_id: what made it, and in which run; empty where ML Metadata does not say.
        made_from: the ids of the artifacts that the node took.
        digest: of its content, where ML Metadata carries one.
    """

    id: int
    type: str
    key: str
    node: str
    run_id: str
    uri: str
    made_from: tuple[int, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class SplitStatistics:
    """One feature in one split.

    Attributes:
        rows, missing: rows of the split, and those without a value.
        histogram, quantiles: of numbers: buckets of equal width, buckets of equal counts.
        values, unique: of categories: the most frequent with their counts, and how many different ones there are.
        mean, std_dev, least, median, greatest: of numbers.
        zeros: rows that hold 0.
    """

    rows: int
    missing: int
    histogram: Histogram | None = None
    quantiles: Histogram | None = None
    values: list[tuple[str, float]] = field(default_factory=list)
    unique: int | None = None
    mean: float | None = None
    std_dev: float | None = None
    least: float | None = None
    median: float | None = None
    greatest: float | None = None
    zeros: int | None = None


@dataclass(frozen=True)
class Feature:
    """A column: `kind` is integer, number, category or other; `role` is label, feature or unused."""

    name: str
    kind: str
    role: str
    splits: dict[str, SplitStatistics]


@dataclass(frozen=True)
class FeatureShift:
    """How far a feature moved since the previous run.

    Attributes:
        measure: Jensen-Shannon divergence (numbers) or L-infinity distance (categories), both between 0 and 1.
        missing_before, missing_now: shares of the rows without a value.
    """

    feature: str
    measure: str
    distance: float
    missing_before: float
    missing_now: float


@dataclass(frozen=True)
class Change:
    """A value that is another than in the previous run; None where there was or is none."""

    name: str
    before: int | float | str | None
    now: int | float | str | None


@dataclass(frozen=True)
class RunChanges:
    """What is different from the previous run.

    Attributes:
        run_id: the previous run.
        same_statistics: the statistics are the very same artifact: the data did not change.
        movements: the farthest first.
        settings: keys of the config whose values differ.
    """

    run_id: str
    same_statistics: bool
    rows: list[Change]
    metrics: list[Change]
    feature_shifts: list[FeatureShift]
    settings: list[Change]
    new_features: list[str]
    removed_features: list[str]


@dataclass(frozen=True)
class Curves:
    """A model's curves over all evaluation rows.

    Attributes:
        roc: (false positive rate, true positive rate), from threshold 1 to 0.
        precision_recall: (recall, precision).
        calibration: (mean prediction, share of positive labels, rows) by bucket of predictions.
    """

    roc: list[tuple[float, float]]
    precision_recall: list[tuple[float, float]]
    calibration: list[tuple[float, float, float]]


@dataclass(frozen=True)
class TrainingHistory:
    """How the model was fitted.

    Attributes:
        losses: (steps done, loss of the steps since the entry before).
        epochs: (epoch, loss, held-out loss or None).
        facts: what else the trainer noted, in its words (`rows_trained`, `parameters`, ...).
    """

    losses: list[tuple[int, float | None]]
    epochs: list[tuple[int, float | None, float | None]]
    steps_per_epoch: int
    best_epoch: int | None
    facts: dict[str, float | None]


@dataclass(frozen=True)
class ReportData:
    """All that the report of a run shows.

    Attributes:
        started: milliseconds since the epoch.
        seconds: from the first step to the last.
        summary: what the run came to; None where it was ended from outside.
        curves: by model: `candidate` and, where one was compared, `baseline`.
        config: the run's config as YAML; label: the column that is predicted.
    """

    run_id: str
    pipeline: str
    started: int
    seconds: float
    summary: Summary | None
    steps: list[StepFacts] = field(default_factory=list)
    artifacts: list[ArtifactFacts] = field(default_factory=list)
    features: list[Feature] = field(default_factory=list)
    changes: RunChanges | None = None
    training: TrainingHistory | None = None
    curves: dict[str, Curves] = field(default_factory=dict)
    origin: Provenance | None = None
    card: ModelCardConfig = field(default_factory=ModelCardConfig)
    label: str = ""
    config: str = ""

    def to_json(self) -> str:
        return _adapter().dump_json(self, indent=1).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> ReportData:
        """Reads what `to_json` gave.

        Raises:
            ValueError: the text is something else.
        """
        try:
            read: ReportData = _adapter().validate_json(text)
            return read
        except ValidationError as error:
            first = error.errors()[0]
            raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


@cache
def _adapter() -> TypeAdapter[Any]:
    return TypeAdapter(ReportData)
