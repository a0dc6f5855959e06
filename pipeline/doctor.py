"""What this machine has for each engine, and what is missing: told without starting anything."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.config import Config
from pipeline.engines.checks import check_engine, runs_on_this_machine
from pipeline.engines.settings import ENGINES, EngineName
from pipeline.errors import ConfigError

State = Literal["runs here", "submits", "incomplete"]
CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
KNOWN_CREDENTIALS = Path(".config") / "gcloud" / "application_default_credentials.json"


@dataclass(frozen=True)
class Finding:
    """What was found about one engine, or one need of the project itself.

    Attributes:
        about: the engine, or `python`, `tfx`, ...
        state: whether a run can be started from here, and where its work would be done.
        detail: what was found.
        todo: what is missing and how to get it; empty where nothing is.
    """

    about: str
    state: State
    detail: str
    todo: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(config: Config) -> list[Finding]:
    """This machine, then every engine, as the config would use them."""
    return [*_machine(), *(_engine(config, name) for name in ENGINES)]


def _machine() -> Iterator[Finding]:
    libc = "-".join(part for part in platform.libc_ver() if part)
    yield Finding("python", "runs here", f"{platform.python_version()}, {libc}, {os.cpu_count()} cores")
    absent = [name for name in ("tfx", "apache_beam", "ml_metadata") if importlib.util.find_spec(name) is None]
    if absent:
        yield Finding("tfx", "incomplete", f"{', '.join(absent)} cannot be found by {sys.executable}", "`make setup`")
    else:
        yield Finding("tfx", "runs here", "; ".join(f"{name} {_version(name)}" for name in ("tfx", "apache-beam")))


def _version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)


def _engine(config: Config, name: EngineName) -> Finding:
    asked = config.model_copy(update={"engine": config.engine.model_copy(update={"name": name})})
    try:
        check_engine(asked)
    except ConfigError as error:
        return Finding(name, "incomplete", error.what, error.todo)
    found = _DETAILS[name](asked)
    if isinstance(found, Finding):
        return found
    return Finding(name, "runs here" if runs_on_this_machine(asked) else "submits", found)


def _in_processes(config: Config) -> str:
    asked = config.engines.multiprocess.workers
    return f"{asked or os.cpu_count()} worker processes"


def _portable(config: Config) -> str:
    settings = config.engines.portable
    who = "started for a run" if settings.start else "has to be running"
    return f"Beam's job service at {settings.job_endpoint} and workers at {settings.worker_endpoint}; {who}"


def _java(master: str) -> str:
    java = shutil.which("java")
    return f"{java}; Beam's job server is there; master {master}"


def _dataflow(config: Config) -> Finding | str:
    settings = config.engines.dataflow
    given = os.environ.get(CREDENTIALS)
    if not (Path(given) if given else Path.home() / KNOWN_CREDENTIALS).is_file():
        return Finding(
            "dataflow",
            "incomplete",
            "the options are complete (--dry-run works), and there are no credentials",
            f"`gcloud auth application-default login`, or {CREDENTIALS}=FILE",
        )
    return f"project {settings.project}, {settings.region}, {settings.bucket}"


_DETAILS: dict[EngineName, Callable[[Config], Finding | str]] = {
    "local": lambda _: "Beam in this process, with the fast executors",
    "multiprocess": _in_processes,
    "portable": _portable,
    "flink": lambda config: _java(config.engines.flink.master),
    "spark": lambda config: _java(config.engines.spark.master),
    "dataflow": _dataflow,
}
