"""`flightline doctor`: which engines can run from this machine, and what is missing. Starts nothing."""

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

from flightline.cli.common import CommandGroup, JsonOption, make_console, make_table, print_json
from flightline.config.engines import ENGINES, EngineName
from flightline.config.settings import Config
from flightline.engines.validation import check_engine, runs_on_this_machine
from flightline.errors import ConfigError
from flightline.utils.terminal import escape

COMMANDS = CommandGroup("Maintain")
State = Literal["ready", "submits remotely", "incomplete"]
_STATE_COLOURS: dict[State, str] = {"ready": "green", "submits remotely": "green", "incomplete": "yellow"}
CREDENTIALS_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
DEFAULT_CREDENTIALS_FILE = Path(".config") / "gcloud" / "application_default_credentials.json"


@dataclass(frozen=True)
class DoctorFinding:
    """The state of one engine, or of one requirement of the project itself.

    Attributes:
        name: the engine, or `python`, `tfx`.
        state: whether a run can be started from here, and where its work would be done.
        detail: what was found.
        fix: how to get what is missing; empty where nothing is.
    """

    name: str
    state: State
    detail: str
    fix: str = ""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@COMMANDS.add("doctor")
def show_environment(config: Config, as_json: JsonOption = False) -> None:
    """Show which engines can run from this machine, and what is missing for the others."""
    findings = check_environment(config)
    if as_json:
        print_json([finding.to_dict() for finding in findings])
        return
    table = make_table("name", "state", "detail", "fix")
    for finding in findings:
        colour = _STATE_COLOURS[finding.state]
        table.add_row(finding.name, f"[{colour}]{finding.state}[/]", escape(finding.detail), escape(finding.fix))
    make_console().print(table)


def check_environment(config: Config) -> list[DoctorFinding]:
    """The findings for this machine, then for every engine as the config would use it."""
    return [*_check_machine(), *(_check_one_engine(config, name) for name in ENGINES)]


def _check_machine() -> Iterator[DoctorFinding]:
    libc = "-".join(part for part in platform.libc_ver() if part)
    yield DoctorFinding("python", "ready", f"{platform.python_version()}, {libc}, {os.cpu_count()} cores")
    absent = [name for name in ("tfx", "apache_beam", "ml_metadata") if importlib.util.find_spec(name) is None]
    if absent:
        yield DoctorFinding(
            "tfx", "incomplete", f"{', '.join(absent)} cannot be found by {sys.executable}", "`make setup`"
        )
    else:
        yield DoctorFinding("tfx", "ready", "; ".join(f"{name} {_version(name)}" for name in ("tfx", "apache-beam")))


def _version(distribution: str) -> str:
    from importlib.metadata import version

    return version(distribution)


def _check_one_engine(config: Config, name: EngineName) -> DoctorFinding:
    candidate = config.model_copy(update={"engine": config.engine.model_copy(update={"name": name})})
    try:
        check_engine(candidate)
    except ConfigError as error:
        return DoctorFinding(name, "incomplete", error.problem, error.fix)
    found = _DESCRIBE_ENGINE[name](candidate)
    if isinstance(found, DoctorFinding):
        return found
    return DoctorFinding(name, "ready" if runs_on_this_machine(candidate) else "submits remotely", found)


def _describe_multiprocess(config: Config) -> str:
    return f"{config.engines.multiprocess.workers or os.cpu_count()} worker processes"


def _describe_portable(config: Config) -> str:
    settings = config.engines.portable
    start = "started for each run" if settings.start_services else "must be running"
    return f"Beam's job service at {settings.job_endpoint} and workers at {settings.worker_endpoint}; {start}"


def _describe_java(master: str) -> str:
    java = shutil.which("java")
    return f"{java}; Beam's job server is there; master {master}"


def _describe_dataflow(config: Config) -> DoctorFinding | str:
    settings = config.engines.dataflow
    file = os.environ.get(CREDENTIALS_VARIABLE)
    if not (Path(file) if file else Path.home() / DEFAULT_CREDENTIALS_FILE).is_file():
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
