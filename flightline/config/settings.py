"""The one config of a pipeline: frozen, validated once, passed explicitly.

`configs/*.yaml` are the only place where values live; `flightline.config.loader` reads them. Paths are relative to the
working directory. The sections `features`, `model`, `train` and `evaluation` belong to the user's code in `models/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from flightline.config.engines import EngineConfig, EnginesConfig
from flightline.config.evaluation import EvaluationSettings
from flightline.config.gate import GatePolicy
from flightline.config.metadata import MetadataConfig
from flightline.config.modeling import FeatureSettings, ModelSettings, TrainSettings
from flightline.config.monitoring import DEFAULT_PERFORMANCE_BOUNDS, MonitoringConfig
from flightline.config.section import Task
from flightline.config.serving import ScoringConfig, ServingConfig
from flightline.config.span_pattern import SpanPattern, parse_span
from flightline.config.steps import StepsConfig
from flightline.config.target import LabelValue, Target
from flightline.config.tracking import TrackingConfig
from flightline.config.tuning import TuneSettings
from flightline.config.window import WindowConfig
from flightline.utils.storage import Location
from flightline.utils.suggestions import suggest_names

Fraction = Annotated[float, Field(ge=0, le=1)]
DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class DataConfig(Section):
    """Where the rows come from and how they are split."""

    input: Location = Field(description="folder that holds the input files, or its URI (gs://...)")
    pattern: str = Field("*.csv", description="glob of the input files below `input`")
    span: Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(parse_span)] = Field(
        None, description="which span of `pattern` to take, a number or a date; the newest where it is not given"
    )
    splits: dict[str, Annotated[int, Field(gt=0)]] = Field(
        default={"train": 2, "eval": 1}, description="hash buckets per split: the share of the rows that go there"
    )
    missing: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        (), description="cells of CSV files that mean what an empty one does, such as `NA` or `?`"
    )
    block_mb: Annotated[int, Field(ge=1, le=1024)] = Field(
        16, description="megabytes of input read at a time: what memory is bounded by"
    )

    @field_validator("splits")
    @classmethod
    def _check_split_names(cls, splits: dict[str, int]) -> dict[str, int]:
        if set(splits) != {"train", "eval"}:
            raise ValueError(f"splits are `train` and `eval`, not {sorted(splits)}")
        return splits

    @field_validator("pattern")
    @classmethod
    def _check_pattern_is_relative(cls, pattern: str) -> str:
        if pattern.startswith("/") or ".." in pattern.split("/"):
            raise ValueError("the pattern is looked for below data.input: neither `/` at its start nor `..`")
        return pattern

    @model_validator(mode="after")
    def _check_span_pattern(self) -> DataConfig:
        self.spans.check()
        if self.span is not None:
            self.spans.check_span(self.span)
        return self

    @property
    def spans(self) -> SpanPattern:
        """How the pattern names spans and versions."""
        return SpanPattern(self.pattern)

    @property
    def glob(self) -> str:
        """`pattern` as a glob: `{SPAN}`, `{VERSION}` and dates stand for digits, those of `span` where it is given."""
        return self.spans.glob(self.span)


class GateConfig(Section):
    """What the data gate lets through."""

    max_rejected: dict[str, Fraction] = Field(
        default={"unparsable": 0.001, "missing_label": 0.05},
        description="largest share of the rows read that may be set aside, by reason",
    )
    policy: GatePolicy = Field(GatePolicy(), description="how severe a finding is: block, warn or ignore")

    @field_validator("max_rejected")
    @classmethod
    def _check_reasons(cls, limits: dict[str, float]) -> dict[str, float]:
        unknown = set(limits) - {"unparsable", "missing_label"}
        if unknown:
            raise ValueError(f"rows are rejected as `unparsable` or `missing_label`, not {sorted(unknown)}")
        return limits


class ReleaseConfig(Section):
    """What becomes of releases."""

    keep: Annotated[int, Field(ge=1)] = Field(
        10,
        description="newest releases kept; the current one, what a rollback goes to and what is on trial always are",
    )


class UserCode(Section):
    """The project's functions, as dotted paths: the library imports no module of a project by name."""

    training_pipeline: DottedPath = Field("pipeline.training.create_pipeline", description="builds the training DAG")
    scoring_pipeline: DottedPath = Field("pipeline.scoring.create_pipeline", description="builds the scoring DAG")
    monitoring_pipeline: DottedPath = Field(
        "pipeline.monitoring.create_pipeline", description="builds the monitoring DAG"
    )
    preprocessing_fn: DottedPath = Field("models.preprocessing.preprocessing_fn", description="what Transform calls")
    run_fn: DottedPath = Field("models.trainer.run_fn", description="what Trainer calls")
    tuner_fn: DottedPath = Field("models.tuner.tuner_fn", description="what Tuner calls")


class ServingCheckConfig(Section):
    """What an exported model must do in a fresh process before it may be released."""

    examples: Annotated[int, Field(ge=1)] = Field(200, description="examples replayed, labels removed")
    latency_ms: Annotated[float, Field(gt=0)] = Field(
        50.0, description="budget for one request of one example, 99th percentile"
    )
    timeout_s: Annotated[float, Field(gt=0)] = Field(120.0, description="for loading the model and all requests")


class ChampionConfig(Section):
    """The model that a candidate is held against."""

    unloadable: Literal["evaluate", "block"] = Field(
        "evaluate",
        description="where its files are gone or broken: evaluate the candidate alone and say so, or stop the run",
    )


class CardConfig(Section):
    """What the report says of the model, as its model card; plain text, an empty line parts paragraphs."""

    owners: str = Field("", description="who answers for the model")
    contact: str = Field("", description="how to reach them")
    intended_use: str = Field("", description="what the model is for, and who uses it")
    limits: str = Field("", description="where it must not be used, and what is known to be wrong with it")


class Config(Section):
    """A pipeline, whole."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="names the pipeline and its releases")]
    workspace: Path = Field(Path("workspace"), description="everything a run makes lives below it")
    pipeline_root: Location | None = Field(
        None,
        description="where artifacts are written, if not to the workspace: a URI that workers elsewhere see",
    )
    label: str = Field(description="the column that is predicted")
    task: Task = Field("binary", description="what is predicted: binary, multiclass or regression")
    positive: LabelValue | None = Field(
        None, description="binary: the label's value that counts as 1, every other as 0; none where they are 0 and 1"
    )
    classes: tuple[LabelValue, ...] = Field(
        (), description="multiclass: the label's values, in the order of the answers"
    )
    schema_file: Path = Field(alias="schema", description="the curated schema (.pbtxt)")
    data: DataConfig
    window: WindowConfig | None = Field(
        None, description="continuous training, a span a run; without it a run takes all rows that it is given"
    )
    gate: GateConfig = GateConfig()
    features: FeatureSettings = FeatureSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    tune: TuneSettings | None = Field(None, description="a search for better settings before training; none without")
    evaluation: EvaluationSettings = EvaluationSettings()
    champion: ChampionConfig = ChampionConfig()
    serving_check: ServingCheckConfig = ServingCheckConfig()
    steps: StepsConfig = StepsConfig()
    release: ReleaseConfig = ReleaseConfig()
    serving: ServingConfig = ServingConfig()
    scoring: ScoringConfig = ScoringConfig()
    monitoring: MonitoringConfig = MonitoringConfig()
    user_code: UserCode = UserCode()
    engine: EngineConfig = EngineConfig()
    engines: EnginesConfig = EnginesConfig()
    card: CardConfig = CardConfig()
    tracking: TrackingConfig = TrackingConfig()
    metadata: MetadataConfig = MetadataConfig()

    @model_validator(mode="after")
    def _check_label_not_sliced(self) -> Config:
        if any(self.label in keys for keys in self.evaluation.cuts):
            raise ValueError(f"evaluation.slices, per_slice, gaps: the label `{self.label}` cannot be a slice")
        return self

    @model_validator(mode="before")
    @classmethod
    def _set_default_performance(cls, raw: Any) -> Any:
        """What is judged of labelled answers, where the config does not say: by the task."""
        if not isinstance(raw, dict) or raw.get("task") not in DEFAULT_PERFORMANCE_BOUNDS:
            return raw
        monitoring = raw.get("monitoring") or {}
        if not isinstance(monitoring, dict) or "performance" in monitoring:
            return raw
        return {**raw, "monitoring": {**monitoring, "performance": DEFAULT_PERFORMANCE_BOUNDS[raw["task"]]}}

    @model_validator(mode="after")
    def _check_metrics_fit_task(self) -> Config:
        known = self.target.metrics
        judged = {
            "evaluation.thresholds": [*self.evaluation.thresholds],
            "evaluation.per_slice": [name for bounds in self.evaluation.per_slice for name in bounds.thresholds],
            "evaluation.gaps": [*self.evaluation.gaps],
            "monitoring.performance": [*self.monitoring.performance],
        }
        for where, metrics in judged.items():
            for name in metrics:
                if name not in known:
                    raise ValueError(f"{where}: {name} is no metric of task: {self.task}; {suggest_names(name, known)}")
        return self

    @model_validator(mode="after")
    def _check_window_has_spans(self) -> Config:
        if self.window is not None and not self.data.spans.has_spans:
            raise ValueError(f"window: data.pattern {self.data.pattern} names no {{SPAN}} and no date to tell spans by")
        return self

    @model_validator(mode="after")
    def _check_tuning_has_validation(self) -> Config:
        if self.tune is not None and not self.train.validation_share:
            raise ValueError("tune: trials are judged on held-out rows, and train.validation_share is 0")
        return self

    @property
    def target(self) -> Target:
        """What is predicted."""
        return Target(task=self.task, positive=self.positive, classes=self.classes)

    @property
    def metadata_db(self) -> Path:
        """The file of a store that is no server's."""
        return self.workspace / "metadata.db"

    @property
    def artifacts(self) -> str:
        return self.pipeline_root or str(self.workspace / "artifacts")

    @property
    def releases(self) -> Path:
        return self.workspace / "releases" / self.name

    @property
    def monitoring_folder(self) -> Path:
        """Alerts and the history of what is watched."""
        return self.workspace / "monitoring" / self.name

    def run_folder(self, run_id: str) -> Path:
        return self.workspace / "runs" / run_id
