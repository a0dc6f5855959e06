"""Start the model server in its own environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from flightline.config.monitoring import METRICS_FILE
from flightline.config.settings import Config
from flightline.errors import FlightlineError, StepFailed, UsageError
from flightline.releases.release import current_version
from flightline.releases.server_events import record_server_events
from flightline.utils.files import atomic_write, make_private_folder
from flightline.utils.project import library_parent, project_folder

SETTINGS_FILE = "server.json"


def serving_environment() -> Path:
    """The virtual environment that `make serving-setup` makes in the project's folder for the server."""
    return project_folder() / ".venv-serving"


def server_settings(config: Config) -> dict[str, Any]:
    """The server's settings, as `flightline.serving.settings` reads them; paths are absolute."""
    serving = config.serving
    log = serving.log.model_dump(mode="json", exclude={"enabled", "folder"})
    log["folder"] = str(prediction_log_folder(config).resolve())
    return {
        "name": config.name,
        "releases": str(config.releases.resolve()),
        **serving.model_dump(mode="json", exclude={"log", "canary", "kubernetes"}),
        "events_file": str(events_file(config).resolve()),
        "monitoring_file": str((config.monitoring_folder / METRICS_FILE).resolve()),
        "log": log if serving.log.enabled else None,
        "canary": serving.canary.model_dump(mode="json"),
    }


def events_file(config: Config) -> Path:
    """The file to which the server writes the releases that it loads, rejects, serves and rolls back."""
    return config.workspace / "serving" / config.name / "events.jsonl"


def prediction_log_folder(config: Config) -> Path:
    """The folder of the prediction log."""
    return config.serving.log.folder or config.workspace / "predictions" / config.name


def serve(config: Config) -> int:
    """Serve the current release until Ctrl-C or SIGTERM; return the server's exit code.

    Raises:
        UsageError: there is no release, or the server's environment is not set up.
        StepFailed: the server stopped on its own.
    """
    environment = serving_environment()
    python = environment / "bin" / "python"
    if not python.is_file():
        raise UsageError(f"the server's environment {environment} does not exist", "set it up: `make serving-setup`")
    if current_version(config.releases) is None:
        raise UsageError(f"{config.releases} has no current release", "release a model first: `make run`")
    settings = config.workspace / "serving" / config.name / SETTINGS_FILE
    make_private_folder(config.workspace)
    settings.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(settings, json.dumps(server_settings(config), indent=2) + "\n")
    command = [str(python), "-m", "flightline.serving", str(settings.resolve())]
    with record_server_events(config.workspace, events_file(config)):
        variables = {**os.environ, "PYTHONPATH": str(library_parent())}  # only flightline.serving is imported from it
        server = subprocess.Popen(command, cwd=project_folder(), env=variables)
        code = _wait_for_exit(server)
    if code:
        raise _exit_error(config, code)
    return 0


def _wait_for_exit(server: subprocess.Popen[bytes]) -> int:
    """Wait for the server and return its exit code; pass SIGTERM on to it."""
    before = signal.signal(signal.SIGTERM, lambda *_: server.terminate())
    try:
        while True:
            try:
                return server.wait()
            except (
                KeyboardInterrupt
            ):  # the terminal interrupts the server as well, which finishes its requests and ends
                continue
    finally:
        signal.signal(signal.SIGTERM, before)


def _exit_error(config: Config, code: int) -> FlightlineError:
    ports = ", ".join(str(port) for port in (config.serving.http_port, config.serving.grpc_port))
    advice = f"see its output above; if ports {ports} are in use, choose others (--set serving.http_port=...)"
    return StepFailed(f"the server stopped with exit code {code}", advice)
