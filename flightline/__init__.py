"""Flightline: production pipelines for tabular data.

    import flightline as fl

    project = fl.open("configs/flights.yaml")
    run = project.runs["latest"]  # in a notebook: the verdict card
    run.metrics, run.metrics(slice="carrier=AA"), run.statistics("train"), run.schema, run.anomalies, run.steps
    run.verdict, run.lineage, run.report, run.model()
    project.diff("latest", "previous")
    project.releases.current.lineage

The names in `__all__` are the public API; everything else is private to the library. They are imported when they are
first used (PEP 562), so `import flightline` costs nothing and works in the server's environment, which has no TFX.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flightline.api.project import Project, open  # noqa: A004 - `fl.open`, as in `gzip.open`
    from flightline.api.release import Release
    from flightline.api.run import Run
    from flightline.errors import (
        AlertFiring,
        ArtifactDamaged,
        ConfigError,
        DataBlocked,
        FlightlineError,
        InputError,
        Interrupted,
        NotBlessed,
        PrivateApiChanged,
        StepFailed,
        UsageError,
    )

__all__ = [
    "AlertFiring",
    "ArtifactDamaged",
    "ConfigError",
    "DataBlocked",
    "FlightlineError",
    "InputError",
    "Interrupted",
    "NotBlessed",
    "PrivateApiChanged",
    "Project",
    "Release",
    "Run",
    "StepFailed",
    "UsageError",
    "open",
]

_MODULES = {
    "Project": "flightline.api.project",
    "Release": "flightline.api.release",
    "Run": "flightline.api.run",
    "open": "flightline.api.project",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_MODULES.get(name, "flightline.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
