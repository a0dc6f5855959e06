"""The server's settings: a JSON file that `flightline serve` writes from the pipeline's config."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LogSettings:
    """The prediction log.

    Attributes:
        folder: where the segments are.
        flush_s: seconds between writes to disk.
        queue_rows: rows that may wait to be written; further ones are dropped and counted.
        segment_mb, segment_minutes: size or age at which a segment is closed.
        keep_days, keep_mb: age, or total size, from which closed segments are deleted.
        drop_features: features that are not logged.
        hash_features: features that are logged as a keyed hash.
    """

    folder: Path
    flush_s: float = 0.5
    queue_rows: int = 200_000
    segment_mb: float = 64.0
    segment_minutes: float = 60.0
    keep_days: float = 90.0
    keep_mb: float = 10_000.0
    drop_features: tuple[str, ...] = ()
    hash_features: tuple[str, ...] = ()


@dataclass(frozen=True)
class CanarySettings:
    """When a canary is rolled back.

    Attributes:
        min_requests: requests that each release needs before the two are compared.
        window_requests: the latest requests of each release that are compared.
        max_error_rate: largest share of the canary's requests that may fail.
        max_latency_ratio: largest 95th percentile of its latency, relative to the current release.
        max_drift: largest Jensen-Shannon divergence (0 to 1) between the predictions of the two releases.
    """

    min_requests: int = 200
    window_requests: int = 2000
    max_error_rate: float = 0.01
    max_latency_ratio: float = 2.0
    max_drift: float = 0.1


@dataclass(frozen=True)
class Settings:
    """Settings of a server.

    Attributes:
        name: the model's name in the V2 protocol.
        releases: the folder with the releases and `CURRENT`.
        host, http_port, grpc_port, metrics_port: the addresses to listen on.
        threshold: the probability from which the label is positive.
        max_rows: the largest number of rows in one request.
        poll_s: seconds between checks for a new release.
        events_file: gets a JSON line for each release that is loaded, rejected, served or rolled back.
        monitoring_file: a Prometheus textfile to include in `/metrics`.
        log: settings of the prediction log; None for no log.
        canary: when a canary is rolled back.
    """

    name: str
    releases: Path
    host: str = "127.0.0.1"
    http_port: int = 8080
    grpc_port: int = 8081
    metrics_port: int = 8082
    threshold: float = 0.5
    max_rows: int = 10_000
    poll_s: float = 1.0
    events_file: Path | None = None
    monitoring_file: Path | None = None
    log: LogSettings | None = None
    canary: CanarySettings = CanarySettings()


def read_settings(path: Path) -> Settings:
    """Read a settings file.

    Raises:
        ValueError: a key is missing or unknown.
    """
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    log, canary = raw.pop("log", None), raw.pop("canary", {})
    try:
        optional = {name: Path(raw[name]) for name in ("events_file", "monitoring_file") if raw.get(name)}
        return Settings(
            **{**raw, "releases": Path(raw["releases"]), **optional},
            log=LogSettings(**{**log, "folder": Path(log["folder"]), **_lists_to_tuples(log)}) if log else None,
            canary=CanarySettings(**canary),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not a valid settings file: {error}") from error


def _lists_to_tuples(raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(raw[name]) for name in ("drop_features", "hash_features") if name in raw}
