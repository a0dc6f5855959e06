"""The `monitoring` section of the config: what is watched in production, and when somebody is told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from flightline.config.evaluation import METRIC_DIRECTION

AlertSeverity = Literal["critical", "warning", "ignore"]
AlertKind = Literal[
    "skew", "drift", "prediction_drift", "performance", "refused", "failed", "lost", "latency", "silent"
]
ALERT_KINDS: tuple[str, ...] = get_args(AlertKind)
DEFAULT_SEVERITIES: Mapping[str, AlertSeverity] = {
    "skew": "warning",
    "drift": "warning",
    "prediction_drift": "warning",
    "performance": "critical",
    "refused": "warning",
    "failed": "critical",
    "lost": "warning",
    "latency": "warning",
    "silent": "critical",
}
# What is judged of labelled answers unless the config says otherwise; an error of amounts has no usual size.
DEFAULT_PERFORMANCE_BOUNDS: dict[str, dict[str, dict[str, float]]] = {
    "multiclass": {"SparseCategoricalAccuracy": {"drop": 0.05}},
    "regression": {},
}
METRICS_FILE = "flightline.prom"  # in the folder of what is watched
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveFloat = Annotated[float, Field(gt=0)]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PerformanceBounds(_Section):
    """When a metric on labelled answers is too low (or too high, where lower is better)."""

    bound: float | None = Field(None, description="the worst value that is accepted")
    drop: Annotated[float, Field(ge=0)] | None = Field(
        None, description="how much worse than at the release's own evaluation is accepted"
    )


class RetrainConfig(_Section):
    """What `flightline monitor --retrain` may start."""

    max_per_day: Annotated[int, Field(ge=0)] = Field(1, description="runs started in any 24 hours")
    severities: tuple[Literal["critical", "warning"], ...] = Field(
        ("critical",), description="those of alerts that start one"
    )


class MonitoringConfig(_Section):
    """Windows of the prediction log, thresholds, alerts."""

    min_rows: Annotated[int, Field(ge=1)] = Field(500, description="answers that a window has before it is compared")
    min_labels: Annotated[int, Field(ge=1)] = Field(
        500, description="labelled answers of a version before its performance is judged"
    )
    no_traffic_after_s: Annotated[float, Field(ge=0)] = Field(
        60.0, description="seconds that a window without a request lasts before it is called silent"
    )
    max_label_delay_days: PositiveFloat = Field(60.0, description="how long after the answer a label may come back")
    skew_threshold_factor: PositiveFloat = Field(
        1.0, description="where the schema has no skew comparator: times the drift comparator's threshold"
    )
    prediction_drift: Fraction = Field(0.1, description="Jensen-Shannon divergence of the predictions of two windows")
    performance: dict[str, PerformanceBounds] = Field(
        {"AUC": PerformanceBounds(drop=0.05)}, description="metric → when it is too bad; by version that answered"
    )
    max_invalid_requests: Fraction = Field(0.01, description="share of the requests that broke the contract")
    max_failed_requests: Fraction = Field(
        0.001, description="share of the requests that were not answered, by no fault of theirs"
    )
    max_lost_rows: Fraction = Field(0.001, description="share of the answers that the log dropped or lost")
    latency_p99_ms: PositiveFloat | None = Field(
        None, description="99th percentile of the latency; not judged by default"
    )
    severity: dict[str, AlertSeverity] = Field(
        {}, description="kind (`drift`) or alert (`drift:temp`) → critical, warning, ignore, where it is not as usual"
    )
    raise_after_windows: Annotated[int, Field(ge=1)] = Field(
        1, description="windows in a row beyond a threshold that alert"
    )
    clear_after_windows: Annotated[int, Field(ge=1)] = Field(
        1, description="windows in a row well within it that clear"
    )
    clear_ratio: Fraction = Field(0.9, description="well within: this share of a threshold from above, or less")
    cooldown_hours: Annotated[float, Field(ge=0)] = Field(
        24.0, description="after somebody was told of an alert, and before it is told again"
    )
    file: Path | None = Field(None, description="gets a JSON line an alert, beside WORKSPACE/monitoring/NAME")
    webhook: str | None = Field(None, pattern=r"^https?://", description="gets a POST with the JSON of each alert")
    retrain: RetrainConfig = RetrainConfig()

    @field_validator("webhook")
    @classmethod
    def _validate_webhook_url(cls, webhook: str | None) -> str | None:
        parts = urlsplit(webhook or "http://none")
        if not parts.hostname:
            raise ValueError("a webhook is http://HOST/... or https://HOST/...")
        if parts.username or parts.password:  # the config is kept with every run
            raise ValueError("no credentials here: the config is kept with every run, in its folder and its lineage")
        return webhook

    @model_validator(mode="after")
    def _validate_names(self) -> MonitoringConfig:
        for name in self.severity:
            if name.partition(":")[0] not in ALERT_KINDS:
                raise ValueError(f"severity: {name} is no alert; they begin with one of {', '.join(ALERT_KINDS)}")
        for metric in self.performance:
            if metric not in METRIC_DIRECTION:
                raise ValueError(f"performance: there is no metric {metric}; there are {', '.join(METRIC_DIRECTION)}")
            if METRIC_DIRECTION[metric] == 0:
                raise ValueError(f"performance: {metric} is neither better high nor low")
        return self

    def severity_of(self, kind: str, subject: str) -> AlertSeverity:
        """How severe an alert is: by its own name, else by its kind."""
        usual = self.severity.get(kind, DEFAULT_SEVERITIES[kind])
        return self.severity.get(f"{kind}:{subject}", usual) if subject else usual
