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

from flightline.config.engines import ENGINES, EngineName
from flightline.config.settings import Config
from flightline.engines.validation import check_engine, runs_on_this_machine
from flightline.errors import ConfigError

State = Literal["runs here", "submits", "incomplete"]
CREDENTIALS_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
DEFAULT_CREDENTIALS_FILE = Path(".config") / "gcloud" / "application_default_credentials.json"


@dataclass(frozen=True)
class DoctorFinding:
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


def check_environment(config: Config) -> list[DoctorFinding]:
    """This machine, then every engine, as the config would use them."""
    return [*_check_machine(), *(_check_one_engine(config, name) for name in ENGINES)]


def _check_machine() -> Iterator[DoctorFinding]:
    libc = "-".join(part for part in platform.libc_ver() if part)
    yield DoctorFinding("python", "runs here", f"{platform.python_version()}, {libc}, {os.cpu_count()} cores")
    absent = [name for name in ("tfx", "apache_beam", "ml_metadata") if importlib.util.find_spec(name) is None]
    if absent:
        yield DoctorFinding(
            "tfx", "incomplete", f"{', '.join(absent)} cannot be found by {sys.executable}", "`make setup`"
        )
    else:
        yield DoctorFinding(
            "tfx", "runs here", "; ".join(f"{name} {_version(name)}" for name in ("tfx", "apache-beam"))
        )


def _version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)


def _check_one_engine(config: Config, name: EngineName) -> DoctorFinding:
    asked = config.model_copy(update={"engine": config.engine.model_copy(update={"name": name})})
    try:
        check_engine(asked)
    except ConfigError as error:
        return DoctorFinding(name, "incomplete", error.problem, error.fix)
    found = _DESCRIBE_ENGINE[name](asked)
    if isinstance(found, DoctorFinding):
        return found
    return DoctorFinding(name, "runs here" if runs_on_this_machine(asked) else "submits", found)


def _describe_multiprocess(config: Config) -> str:
    asked = config.engines.multiprocess.workers
    return f"{asked or os.cpu_count()} worker processes"


def _describe_portable(config: Config) -> str:
    settings = config.engines.portable
    who = "started for a run" if settings.start else "has to be running"
    return f"Beam's job service at {settings.job_endpoint} and workers at {settings.worker_endpoint}; {who}"


def _describe_java(master: str) -> str:
    java = shutil.which("java")
    return f"{java}; Beam's job server is there; master {master}"


def _describe_dataflow(config: Config) -> DoctorFinding | str:
    settings = config.engines.dataflow
    given = os.environ.get(CREDENTIALS_VARIABLE)
    if not (Path(given) if given else Path.home() / DEFAULT_CREDENTIALS_FILE).is_file():
        return DoctorFinding(
            "dataflow",
            "incomplete",
            "the options are complete (--dry-run works), and there are no credentials",
            f"`gcloud auth application-default login`, or {CREDENTIALS_VARIABLE}=FILE",
        )
    return f"project {settings.project}, {settings.region}, {settings.bucket}"


_DESCRIBE_ENGINE: dict[EngineName, Callable[[Config], DoctorFinding | str]] = {
    "local": lambda _: "Beam in this process, with the fast executors",
    "multiprocess": _describe_multiprocess,
    "portable": _describe_portable,
    "flink": lambda config: _describe_java(config.engines.flink.master),
    "spark": lambda config: _describe_java(config.engines.spark.master),
    "dataflow": _describe_dataflow,
}
