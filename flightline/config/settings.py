"""The one config of a pipeline: frozen, validated once, passed explicitly.

`configs/*.yaml` are the only place where values live; `flightline.config.loader` reads them. Paths are relative to the
working directory. The sections `features`, `model`, `train`, `tune` and `evaluation` are read by the code in `models/`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, model_validator

from flightline.config.data import DataConfig
from flightline.config.engines import EngineConfig, EnginesConfig
from flightline.config.evaluation import TASK_METRICS, EvaluationSettings
from flightline.config.gate import GateConfig
from flightline.config.metadata import MetadataConfig
from flightline.config.modeling import FeatureSettings, ModelSettings, TrainSettings
from flightline.config.monitoring import DEFAULT_PERFORMANCE_BOUNDS, MonitoringConfig
from flightline.config.release import ChampionConfig, ModelCardConfig, ReleaseConfig, ServingCheckConfig
from flightline.config.section import Section
from flightline.config.serving import ScoringConfig, ServingConfig
from flightline.config.steps import StepsConfig
from flightline.config.target import LabelValue
from flightline.config.tracking import TrackingConfig
from flightline.config.tuning import TuneSettings
from flightline.config.window import WindowConfig
from flightline.serving.target import Target, Task
from flightline.utils.storage import Location
from flightline.utils.suggestions import suggest_names

DottedPath = Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)+$")]


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


class Config(Section):
    """The whole config of a pipeline."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$", description="names the pipeline and its releases")]
    workspace: Path = Field(Path("workspace"), description="folder of everything that runs write")
    pipeline_root: Location | None = Field(
        None,
        description="where artifacts are written, if not to the workspace: a URI that remote workers can reach",
    )
    label: str = Field(description="the column that is predicted")
    task: Task = Field("binary", description="what is predicted: binary, multiclass or regression")
    positive_label: LabelValue | None = Field(
        None, description="binary: the label's value that counts as 1, every other counts as 0; not needed for 1 and 0"
    )
    classes: tuple[LabelValue, ...] = Field(
        (), description="multiclass: the label's values, in the order of the model's probabilities"
    )
    schema_file: Path = Field(alias="schema", description="the curated schema (.pbtxt)")
    data: DataConfig
    window: WindowConfig | None = Field(
        None, description="continuous training, one span per run; without it, a run trains on all rows of `data`"
    )
    gate: GateConfig = GateConfig()
    features: FeatureSettings = FeatureSettings()
    model: ModelSettings = ModelSettings()
    train: TrainSettings = TrainSettings()
    tune: TuneSettings | None = Field(
        None, description="a search for better settings before training; without it, no search"
    )
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
    model_card: ModelCardConfig = ModelCardConfig()
    tracking: TrackingConfig = TrackingConfig()
    metadata: MetadataConfig = MetadataConfig()

    @model_validator(mode="after")
    def _check_label_not_sliced(self) -> Config:
        if any(self.label in keys for keys in self.evaluation.slice_columns):
            raise ValueError(f"evaluation.slices, per_slice, gaps: the label `{self.label}` cannot be a slice")
        return self

    @model_validator(mode="before")
    @classmethod
    def _set_default_performance(cls, raw: Any) -> Any:
        """Set the bounds of the task for `monitoring.performance`, where the config has none."""
        if not isinstance(raw, dict) or raw.get("task") not in DEFAULT_PERFORMANCE_BOUNDS:
            return raw
        monitoring = raw.get("monitoring") or {}
        if not isinstance(monitoring, dict) or "performance" in monitoring:
            return raw
        return {**raw, "monitoring": {**monitoring, "performance": DEFAULT_PERFORMANCE_BOUNDS[raw["task"]]}}

    @model_validator(mode="after")
    def _check_metrics_fit_task(self) -> Config:
        known = TASK_METRICS[self.target.task]
        used = {
            "evaluation.thresholds": [*self.evaluation.thresholds],
            "evaluation.per_slice": [name for bounds in self.evaluation.per_slice for name in bounds.thresholds],
            "evaluation.gaps": [*self.evaluation.gaps],
            "monitoring.performance": [*self.monitoring.performance],
        }
        for where, metrics in used.items():
            for name in metrics:
                if name not in known:
                    raise ValueError(
                        f"{where}: {name} is not a metric of task: {self.task}; {suggest_names(name, known)}"
                    )
        return self

    @model_validator(mode="after")
    def _check_window_has_spans(self) -> Config:
        if self.window is not None and not self.data.spans.has_spans:
            raise ValueError(f"window: data.pattern {self.data.pattern} has neither {{SPAN}} nor a date")
        return self

    @model_validator(mode="after")
    def _check_tuning_has_validation(self) -> Config:
        if self.tune is not None and not self.train.validation_share:
            raise ValueError("tune: trials are compared on held-out rows: set train.validation_share above 0")
        return self

    @property
    def target(self) -> Target:
        """What is predicted."""
        return Target(task=self.task, positive=self.positive_label, classes=self.classes)

    @property
    def metadata_db(self) -> Path:
        """The file of an SQLite store."""
        return self.workspace / "metadata.db"

    @property
    def artifacts(self) -> str:
        return self.pipeline_root or str(self.workspace / "artifacts")

    @property
    def releases(self) -> Path:
        return self.workspace / "releases" / self.name

    @property
    def monitoring_folder(self) -> Path:
        """Folder of alerts and of the history of measures."""
        return self.workspace / "monitoring" / self.name

    def run_folder(self, run_id: str) -> Path:
        return self.workspace / "runs" / run_id
