"""What a server is told, as a JSON file that `flightline serve` writes from the pipeline's config."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LogSettings:
    """The prediction log.

    Attributes:
        folder: where its segments are.
        flush_s: at most so many seconds of answers are in memory alone.
        queue_rows: rows that may wait for the writer; what comes beyond is dropped and counted.
        segment_mb, segment_minutes: a segment is closed when it is that large or that old.
        keep_days, keep_mb: closed segments that are older, or beyond that size in all, are deleted.
        drop, hash: features that are left out, or replaced by a keyed hash.
    """

    folder: Path
    flush_s: float = 0.5
    queue_rows: int = 200_000
    segment_mb: float = 64.0
    segment_minutes: float = 60.0
    keep_days: float = 90.0
    keep_mb: float = 10_000.0
    drop: tuple[str, ...] = ()
    hash: tuple[str, ...] = ()


@dataclass(frozen=True)
class CanarySettings:
    """When a canary is taken back.

    Attributes:
        min_requests: so many answers of each release are seen before they are compared.
        window: the last so many requests of each are compared.
        max_error_rate: largest share of requests that fail in the canary.
        max_latency_ratio: its 95th percentile of latency over that of the current release.
        max_drift: largest distance between the distributions of predictions (Jensen-Shannon divergence, 0 to 1).
    """

    min_requests: int = 200
    window: int = 2000
    max_error_rate: float = 0.01
    max_latency_ratio: float = 2.0
    max_drift: float = 0.1


@dataclass(frozen=True)
class Settings:
    """A server.

    Attributes:
        name: of the model, in the paths of the V2 protocol.
        releases: the folder with the versions and `CURRENT`.
        threshold: probabilities from here on are labelled 1.
        max_rows: of one request.
        poll_s: how often `CURRENT` is looked at.
        events: a file of JSON lines: what was loaded, refused, swapped, taken back.
        monitoring: a Prometheus textfile that is shown at `/metrics` as well.
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
    events: Path | None = None
    monitoring: Path | None = None
    log: LogSettings | None = None
    canary: CanarySettings = CanarySettings()


def read_settings(path: Path) -> Settings:
    """Reads what `flightline serve` wrote. Raises ValueError where it is something else."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    log, canary = raw.pop("log", None), raw.pop("canary", {})
    try:
        optional = {name: Path(raw[name]) for name in ("events", "monitoring") if raw.get(name)}
        return Settings(
            **{**raw, "releases": Path(raw["releases"]), **optional},
            log=LogSettings(**{**log, "folder": Path(log["folder"]), **_lists_to_tuples(log)}) if log else None,
            canary=CanarySettings(**canary),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"{path} is not the settings of a server: {error}") from error


def _lists_to_tuples(raw: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    names = {one.name for one in fields(LogSettings)} & {"drop", "hash"} & raw.keys()
    return {name: tuple(raw[name]) for name in names}
