"""The files of Flightline's repository that every new project gets. Also run by the library's build, which packs them
into the wheel: the standard library alone is imported here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_PATTERNS = (
    "Makefile",
    "setup.py",
    "requirements.lock",
    "runner_*.py",
    "pipeline/*.py",
    "models/*.py",
    "scripts/setup.sh",
    "scripts/serving.sh",
    "tests/project/*.py",
)


def is_repository(folder: Path) -> bool:
    """Whether `folder` is a checkout of Flightline's repository, with the library in it."""
    return (folder / "pipeline" / "training.py").is_file() and (folder / "flightline" / "pyproject.toml").is_file()


def shared_files(repository: Path) -> Iterator[Path]:
    """Paths of the files, relative to the repository."""
    for pattern in _PATTERNS:
        for path in sorted(repository.glob(pattern)):
            yield path.relative_to(repository)
