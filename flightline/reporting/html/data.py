"""The content of a report, as plain data: collected once, stored as `report.json`, and rendered from there."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from flightline.config.release import ModelCardConfig
from flightline.metadata.provenance import Provenance
from flightline.reporting.summary import Summary
from flightline.utils.distribution_distance import Histogram

REPORT_JSON, REPORT_HTML = "report.json", "report.html"  # in the run's folder
SCORING_JSON, MONITORING_JSON = (
    "scoring.json",
    "monitoring.json",
)  # in the folder of a finished scoring or monitoring run


@dataclass(frozen=True)
class StepFacts:
    """One node of the DAG.

    Attributes:
        state: ran, cached, failed, canceled, running or not run.
        seconds, cpu_seconds: wall and CPU time (children included); None where it was not measured.
        rows: rows it processed; None where it processes none or left no count.
        message: error message of a failed step.
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
    """An artifact that a step of this run read or wrote.

    Attributes:
        id: in ML Metadata.
        type: name of its type.
        key: name of the output that it is.
        node, run_id: the node that wrote it, and its run; empty where ML Metadata does not know.
        input_ids: ids of the artifacts that the node read.
        digest: of its content, where ML Metadata carries one.
    """

    id: int
    type: str
    key: str
    node: str
    run_id: str
    uri: str
    input_ids: tuple[int, ...] = ()
    digest: str = ""


@dataclass(frozen=True)
class SplitStatistics:
    """Statistics of one feature in one split.

    Attributes:
        rows, missing: rows of the split, and how many of them have no value.
        histogram, quantiles: of numeric values: buckets of equal width, buckets of equal counts.
        values, unique: of categories: the most frequent ones with their counts, and the number of distinct ones.
        mean, std_dev, min, median, max: of numeric values.
        zeros: number of rows with the value 0.
    """

    rows: int
    missing: int
    histogram: Histogram | None = None
    quantiles: Histogram | None = None
    values: list[tuple[str, float]] = field(default_factory=list)
    unique: int | None = None
    mean: float | None = None
    std_dev: float | None = None
    min: float | None = None
    median: float | None = None
    max: float | None = None
    zeros: int | None = None


@dataclass(frozen=True)
class Feature:
    """A column: `kind` is integer, float, categorical or other; `role` is label, feature or unused."""

    name: str
    kind: str
    role: str
    splits: dict[str, SplitStatistics]


@dataclass(frozen=True)
class FeatureShift:
    """How far the distribution of a feature has shifted since the previous run.

    Attributes:
        measure: Jensen-Shannon divergence (numeric) or L-infinity distance (categorical), both between 0 and 1.
        missing_before, missing_now: fraction of the rows without a value.
    """

    feature: str
    measure: str
    distance: float
    missing_before: float
    missing_now: float


@dataclass(frozen=True)
class Change:
    """A value before and now; None where there was or is none."""

    name: str
    before: int | float | str | None
    now: int | float | str | None


@dataclass(frozen=True)
class RunChanges:
    """The differences to the previous run.

    Attributes:
        run_id: the previous run.
        statistics_unchanged: both runs have the same statistics artifact: the data did not change.
        feature_shifts: the largest first.
        settings: keys of the config whose values differ.
    """

    run_id: str
    statistics_unchanged: bool
    rows: list[Change]
    metrics: list[Change]
    feature_shifts: list[FeatureShift]
    settings: list[Change]
    new_features: list[str]
    removed_features: list[str]


@dataclass(frozen=True)
class Curves:
    """The curves of a model over all evaluation rows.

    Attributes:
        roc: (false positive rate, true positive rate), from threshold 1 to 0.
        precision_recall: (recall, precision).
        calibration: (mean prediction, fraction of positive labels, rows) for each bucket of predictions.
    """

    roc: list[tuple[float, float]]
    precision_recall: list[tuple[float, float]]
    calibration: list[tuple[float, float, float]]


@dataclass(frozen=True)
class TrainingHistory:
    """The losses of a training.

    Attributes:
        losses: (optimizer steps so far, mean loss since the previous entry).
        epochs: (epoch, training loss, validation loss or None).
        facts: the other numbers that the trainer recorded, by its names (`rows_trained`, `parameters`, ...).
    """

    losses: list[tuple[int, float | None]]
    epochs: list[tuple[int, float | None, float | None]]
    steps_per_epoch: int
    best_epoch: int | None
    facts: dict[str, float | None]


@dataclass(frozen=True)
class ReportData:
    """The content of the report of a run.

    Attributes:
        started: milliseconds since the epoch.
        seconds: from the start of the first step to the end of the last.
        summary: the result of the run; None where it is still running or was killed.
        curves: by model: `candidate`, and `baseline` where there is a champion.
        label: name of the label column.
        prediction: what the model predicts, in words.
        config: the run's config as YAML.
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
    provenance: Provenance | None = None
    card: ModelCardConfig = field(default_factory=ModelCardConfig)
    label: str = ""
    prediction: str = ""
    config: str = ""

    def to_json(self) -> str:
        return _adapter().dump_json(self, indent=1).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> ReportData:
        """The inverse of `to_json`.

        Raises:
            ValueError: the text is not a report.
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
