"""The `monitoring` section of the config: what is monitored in production, and which thresholds raise alerts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from flightline.config.evaluation import METRIC_DIRECTION
from flightline.config.section import Section

AlertSeverity = Literal["critical", "warning", "ignore"]
AlertKind = Literal[
    "skew",
    "drift",
    "prediction_drift",
    "performance",
    "invalid_requests",
    "failed_requests",
    "lost_rows",
    "latency",
    "no_traffic",
]
ALERT_KINDS: tuple[str, ...] = get_args(AlertKind)
DEFAULT_SEVERITIES: Mapping[str, AlertSeverity] = {
    "skew": "warning",
    "drift": "warning",
    "prediction_drift": "warning",
    "performance": "critical",
    "invalid_requests": "warning",
    "failed_requests": "critical",
    "lost_rows": "warning",
    "latency": "warning",
    "no_traffic": "critical",
}
# Default thresholds on labelled predictions, by task. A regression error has no typical size, hence no default.
DEFAULT_PERFORMANCE_BOUNDS: dict[str, dict[str, dict[str, float]]] = {
    "multiclass": {"SparseCategoricalAccuracy": {"max_drop": 0.05}},
    "regression": {},
}
METRICS_FILE = "flightline.prom"  # in the pipeline's monitoring folder
Fraction = Annotated[float, Field(ge=0, le=1)]
PositiveFloat = Annotated[float, Field(gt=0)]


class PerformanceBounds(Section):
    """Thresholds of one metric on labelled predictions; with both set, the stricter one applies."""

    limit: float | None = Field(None, description="the worst acceptable value: lowest or highest, by the metric")
    max_drop: Annotated[float, Field(ge=0)] | None = Field(
        None, description="how much worse than in the release's own evaluation the metric may become"
    )


class RetrainConfig(Section):
    """When `flightline monitor --retrain` may start a run."""

    max_per_day: Annotated[int, Field(ge=0)] = Field(1, description="retraining runs in any 24 hours")
    severities: tuple[Literal["critical", "warning"], ...] = Field(
        ("critical",), description="severities of alerts that start a run"
    )


class MonitoringConfig(Section):
    """Thresholds on windows of the prediction log, and where alerts are sent."""

    min_rows: Annotated[int, Field(ge=1)] = Field(
        500, description="predictions that a window needs before skew and drift are measured"
    )
    min_labels: Annotated[int, Field(ge=1)] = Field(
        500, description="labelled predictions that a release needs before its performance is checked"
    )
    no_traffic_after_s: Annotated[float, Field(ge=0)] = Field(
        60.0, description="length in seconds from which a window without requests raises `no_traffic`"
    )
    max_label_delay_days: PositiveFloat = Field(
        60.0, description="days after the prediction within which its label is accepted"
    )
    skew_threshold_factor: PositiveFloat = Field(
        1.0, description="skew threshold as a multiple of the drift threshold, for features without a skew comparator"
    )
    max_prediction_drift: Fraction = Field(
        0.1, description="Jensen-Shannon divergence between the predictions of this window and the previous one"
    )
    performance: dict[str, PerformanceBounds] = Field(
        {"AUC": PerformanceBounds(max_drop=0.05)}, description="metric → its thresholds, checked for each release"
    )
    max_invalid_requests: Fraction = Field(
        0.01, description="largest share of requests that violate the input contract"
    )
    max_failed_requests: Fraction = Field(0.001, description="largest share of valid requests that got no prediction")
    max_lost_rows: Fraction = Field(0.001, description="largest share of rows missing from the prediction log")
    max_latency_p99_ms: PositiveFloat | None = Field(
        None, description="largest 99th percentile of the latency; not checked by default"
    )
    severity: dict[str, AlertSeverity] = Field(
        {}, description="kind (`drift`) or alert (`drift:temp`) → critical, warning or ignore; overrides the default"
    )
    raise_after_windows: Annotated[int, Field(ge=1)] = Field(
        1, description="consecutive windows beyond a threshold that raise an alert"
    )
    clear_after_windows: Annotated[int, Field(ge=1)] = Field(
        1, description="consecutive windows well within the threshold that clear an alert"
    )
    clear_ratio: Fraction = Field(
        0.9, description="a value counts as well within at this share of its threshold or less"
    )
    cooldown_hours: Annotated[float, Field(ge=0)] = Field(
        24.0, description="hours before a firing alert is notified again"
    )
    alerts_file: Path | None = Field(
        None, description="also append alerts here, one JSON object a line (always: WORKSPACE/monitoring/NAME)"
    )
    webhook: str | None = Field(None, pattern=r"^https?://", description="URL that receives each alert as a JSON POST")
    webhook_env: str | None = Field(
        None,
        pattern=r"^[A-Z_][A-Z0-9_]*$",
        description="name of the environment variable that holds that URL, where the URL is a secret",
    )
    retrain: RetrainConfig = RetrainConfig()

    @field_validator("webhook")
    @classmethod
    def _validate_webhook_url(cls, webhook: str | None) -> str | None:
        parts = urlsplit(webhook or "http://none")
        if not parts.hostname:
            raise ValueError("the webhook has no host: write http://HOST/... or https://HOST/...")
        if parts.username or parts.password:
            raise ValueError(
                "remove the credentials: the config is stored with every run, in its folder and its lineage"
            )
        return webhook

    @model_validator(mode="after")
    def _validate_names(self) -> MonitoringConfig:
        for name in self.severity:
            if name.partition(":")[0] not in ALERT_KINDS:
                raise ValueError(f"severity: {name} is not an alert; alerts start with one of {', '.join(ALERT_KINDS)}")
        for metric in self.performance:
            if metric not in METRIC_DIRECTION:
                raise ValueError(f"performance: unknown metric {metric}; choose from {', '.join(METRIC_DIRECTION)}")
            if METRIC_DIRECTION[metric] == 0:
                raise ValueError(f"performance: {metric} has no better direction, so it cannot have a threshold")
        return self

    def severity_of(self, kind: str, subject: str) -> AlertSeverity:
        """The severity of an alert: that of its name if configured, else that of its kind."""
        default = self.severity.get(kind, DEFAULT_SEVERITIES[kind])
        return self.severity.get(f"{kind}:{subject}", default) if subject else default
