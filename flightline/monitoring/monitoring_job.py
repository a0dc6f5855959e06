"""The input of the monitoring DAG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flightline.monitoring.window import WindowFiles


@dataclass(frozen=True)
class MonitoringJob:
    """A window, and what it is compared with.

    Attributes:
        extracted: the window's files.
        training_statistics: ids of artifacts in ML Metadata.
        schema: the URI of the release's schema.
        previous_statistics: the URI of the previous window's statistics; None for the first window.
        released: version → metric → value, of the releases that served requests.
    """

    extracted: WindowFiles
    training_statistics: Sequence[int]
    schema: str
    previous_statistics: str | None
    released: Mapping[str, Mapping[str, float]]
