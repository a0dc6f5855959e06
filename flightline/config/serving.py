"""The `serving` and `scoring` sections of the config: the endpoint of a current release, and batch scoring."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Port = Annotated[int, Field(ge=1, le=65535)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class ServingSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PredictionLogConfig(ServingSection):
    """What the server keeps of requests and answers."""

    enabled: bool = Field(True, description="whether it keeps them at all")
    folder: Path | None = Field(None, description="where; by default WORKSPACE/predictions/NAME")
    flush_s: Annotated[float, Field(gt=0, le=1)] = Field(
        0.5, description="how often it is put on disk: what a killed server loses at most"
    )
    queue_rows: Annotated[int, Field(ge=1)] = Field(
        200_000, description="rows that may wait for the disk; more are dropped, and counted"
    )
    segment_mb: Annotated[float, Field(gt=0)] = Field(64.0, description="a segment of this size is closed")
    segment_minutes: Annotated[float, Field(gt=0)] = Field(60.0, description="and one of this age")
    keep_days: Annotated[float, Field(gt=0)] = Field(90.0, description="closed segments older than this are deleted")
    keep_mb: Annotated[float, Field(gt=0)] = Field(10_000.0, description="and the oldest beyond this in all")
    drop: tuple[str, ...] = Field((), description="sensitive features that are left out")
    hash: tuple[str, ...] = Field((), description="sensitive features that are kept as a keyed hash")

    @model_validator(mode="after")
    def _check_drop_and_hash(self) -> PredictionLogConfig:
        if both := sorted(set(self.drop) & set(self.hash)):
            raise ValueError(f"{both[0]} is both dropped and hashed: choose one")
        return self


class CanaryConfig(ServingSection):
    """When a canary is taken back by itself."""

    min_requests: Annotated[int, Field(ge=20)] = Field(200, description="answers of each release before they compare")
    window: Annotated[int, Field(ge=20)] = Field(2000, description="the last so many requests of each are compared")
    max_error_rate: Fraction = Field(0.01, description="largest share of its requests that may fail")
    max_latency_ratio: Annotated[float, Field(gt=1)] = Field(
        2.0, description="95th percentile of its latency over that of the current release"
    )
    max_drift: Fraction = Field(0.1, description="Jensen-Shannon divergence between the predictions of the two")


class KubernetesConfig(ServingSection):
    """What `flightline deploy` writes into manifests."""

    image: str = Field("", description="of docker/serving.Dockerfile, as the cluster pulls it")
    storage: str = Field(
        "",
        description="where releases are copied to, as the platform reads them: gs://bucket/releases, s3://bucket/...",
    )
    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")] = Field(
        "default", description="of the manifests' objects"
    )
    storage_secret: str = Field("", description="Seldon: the secret with rclone's settings that `storage` needs")
    service_account: str = Field(
        "", description="KServe, Seldon v1: whose right it is to read `storage`; the namespace's default one"
    )
    replicas: Annotated[int, Field(ge=1)] = Field(1, description="servers of one release")
    cpu: str = Field("1", pattern=r"^[0-9]+(\.[0-9]+)?m?$", description="of each replica")
    memory: str = Field("2Gi", pattern=r"^[0-9]+(Ki|Mi|Gi)$", description="of each replica; a server holds about 1 GB")


class ServingConfig(ServingSection):
    """The endpoint."""

    host: str = Field("127.0.0.1", description="the address it listens on; this machine alone by default")
    http_port: Port = Field(8080, description="of REST")
    grpc_port: Port = Field(8081, description="of gRPC")
    metrics_port: Port = Field(8082, description="of Prometheus metrics")
    threshold: Fraction = Field(0.5, description="probabilities from here on are labelled 1")
    max_rows: Annotated[int, Field(ge=1, le=1_000_000)] = Field(10_000, description="rows of one request")
    poll_s: Annotated[float, Field(gt=0)] = Field(1.0, description="how often CURRENT is looked at")
    log: PredictionLogConfig = PredictionLogConfig()
    canary: CanaryConfig = CanaryConfig()
    kubernetes: KubernetesConfig = KubernetesConfig()


class ScoringConfig(ServingSection):
    """Batch scoring (`flightline score`)."""

    id_columns: tuple[str, ...] = Field(
        (), description="columns that name a row in the output; beside the file and the line, which are always there"
    )
