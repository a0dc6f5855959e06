"""Folders: of the project that a command works on, and of the installed library."""

from __future__ import annotations

from pathlib import Path

LOCK_NAME = "requirements.lock"


def project_folder() -> Path:
    """The project's folder: the nearest one, from the working directory upwards, that holds requirements.lock, or
    setup.py and pipeline/. The working directory itself where there is none."""
    working_directory = Path.cwd()
    for folder in (working_directory, *working_directory.parents):
        if (folder / LOCK_NAME).is_file() or ((folder / "setup.py").is_file() and (folder / "pipeline").is_dir()):
            return folder
    return working_directory


def lock_file() -> Path:
    """The project's requirements.lock, which need not exist."""
    return project_folder() / LOCK_NAME


def library_parent() -> Path:
    """The folder that holds the package `flightline`: on PYTHONPATH it makes the library importable."""
    return Path(__file__).resolve().parents[2]
