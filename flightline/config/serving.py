"""The `serving` and `scoring` sections of the config: the model server, and batch scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from flightline.config.section import Section

Port = Annotated[int, Field(ge=1, le=65535)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class PredictionLogConfig(Section):
    """The log of requests and predictions."""

    enabled: bool = Field(True, description="whether the server keeps a log")
    folder: Path | None = Field(None, description="folder of the log; by default WORKSPACE/predictions/NAME")
    flush_s: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="seconds between writes to disk; a killed server loses at most that much"
    )
    queue_rows: Annotated[int, Field(ge=1)] = Field(
        200_000, description="rows that may wait to be written; further ones are dropped and counted"
    )
    segment_mb: Annotated[float, Field(gt=0)] = Field(64.0, description="size at which a segment is closed")
    segment_minutes: Annotated[float, Field(gt=0)] = Field(60.0, description="age at which a segment is closed")
    keep_days: Annotated[float, Field(gt=0)] = Field(90.0, description="age at which closed segments are deleted")
    keep_mb: Annotated[float, Field(gt=0)] = Field(
        10_000.0, description="total size beyond which the oldest segments are deleted"
    )
    drop_features: tuple[str, ...] = Field((), description="sensitive features that are not logged")
    hash_features: tuple[str, ...] = Field((), description="sensitive features that are logged as a keyed hash")

    @model_validator(mode="after")
    def _check_drop_and_hash(self) -> PredictionLogConfig:
        if both := sorted(set(self.drop_features) & set(self.hash_features)):
            raise ValueError(f"{both[0]} is in drop_features and in hash_features: remove it from one of them")
        return self


class CanaryConfig(Section):
    """When the server rolls a canary back."""

    min_requests: Annotated[int, Field(ge=20)] = Field(
        200, description="requests that each release needs before the two are compared"
    )
    window_requests: Annotated[int, Field(ge=20)] = Field(
        2000, description="latest requests of each release that are compared"
    )
    max_error_rate: Fraction = Field(0.01, description="largest share of the canary's requests that may fail")
    max_latency_ratio: Annotated[float, Field(gt=1)] = Field(
        2.0, description="largest 95th percentile of its latency, relative to the current release"
    )
    max_drift: Fraction = Field(
        0.1, description="largest Jensen-Shannon divergence between the predictions of the two releases"
    )


class KubernetesConfig(Section):
    """Settings of the manifests that `flightline deploy` writes."""

    image: str = Field("", description="the image built from docker/serving.Dockerfile, as the cluster pulls it")
    storage: str = Field(
        "",
        description="where the platform reads releases from: gs://bucket/releases, s3://bucket/...",
    )
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")] = Field(
        "default", description="namespace of the objects"
    )
    storage_secret: str = Field("", description="Seldon: the secret with the rclone settings for `storage`")
    service_account: str = Field(
        "", description="KServe, Seldon v1: the service account that may read `storage`; by default the namespace's"
    )
    replicas: Annotated[int, Field(ge=1)] = Field(1, description="servers for each release")
    cpu: str = Field("1", pattern=r"^[0-9]+(\.[0-9]+)?m?$", description="CPU request of each replica")
    memory: str = Field(
        "2Gi", pattern=r"^[0-9]+(Ki|Mi|Gi)$", description="memory limit of each replica; a server needs about 1 GB"
    )


class ServingConfig(Section):
    """The model server."""

    host: str = Field("127.0.0.1", description="address to listen on; by default reachable from this machine only")
    http_port: Port = Field(8080, description="port for REST")
    grpc_port: Port = Field(8081, description="port for gRPC")
    metrics_port: Port = Field(8082, description="port for Prometheus metrics")
    threshold: Fraction = Field(0.5, description="probability from which the label is positive")
    max_rows: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        10_000, description="largest number of rows in one request"
    )
    poll_s: Annotated[float, Field(gt=0)] = Field(1.0, description="seconds between checks for a new release")
    log: PredictionLogConfig = PredictionLogConfig()
    canary: CanaryConfig = CanaryConfig()
    kubernetes: KubernetesConfig = KubernetesConfig()


class ScoringConfig(Section):
    """Batch scoring (`flightline score`)."""

    id_columns: tuple[str, ...] = Field((), description="input columns to copy to the output, besides file and line")
