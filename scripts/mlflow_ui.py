"""MLflow's user interface for the tracking store of a config, on this machine only.

python -m scripts.mlflow_ui [--config F] [--port N]

It needs packages that recording runs does not (a web server, plotting), so it has an environment of its own in .cache.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.config.tracking import EMBEDDED_STORE, SQLITE_PREFIX
from flightline.errors import FlightlineError, UsageError, print_error
from scripts.tool_environment import ensure_environment

REQUIREMENTS = Path(__file__).with_name("mlflow-ui.txt")
VENV_DIR = Path(".cache/mlflow-ui").resolve()


def main() -> int:
    """Serve the interface until Ctrl-C; returns the exit code."""
    parser = argparse.ArgumentParser(description="Show the runs in MLflow.")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="the pipeline's config")
    parser.add_argument("--port", type=int, default=5000)
    arguments = parser.parse_args()
    try:
        database = resolve_store(arguments.config)
        mlflow = ensure_environment("MLflow's user interface", VENV_DIR, REQUIREMENTS) / "mlflow"
    except FlightlineError as error:
        print_error(sys.stderr, error)
        return error.exit_code
    print(f"MLflow on {database}: http://127.0.0.1:{arguments.port} (Ctrl-C ends it)", flush=True)
    server_options = ["--backend-store-uri", f"{SQLITE_PREFIX}{database}", "--host", "127.0.0.1"]
    server_options += ["--port", str(arguments.port)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
    command = [str(mlflow), "server", *server_options, "--workers", "1"]
    try:
        return subprocess.run(command, env={**os.environ, **quiet}, check=False).returncode
    except KeyboardInterrupt:
        return 0


def resolve_store(path: Path) -> Path:
    """The sqlite file of a config; the embedded store where the config has no tracking (--set may have, for one run).

    Raises:
        UsageError: the store is a server, which has its own interface, or no run was recorded yet.
    """
    config = load_config(path, () if load_config(path).tracking.mlflow else (f"tracking.mlflow={EMBEDDED_STORE}",))
    database = config.tracking.database(config.workspace)
    if database is None:
        raise UsageError(f"the store {config.tracking.mlflow} is a server", "open that address in a browser")
    if not database.is_file():
        todo = "track a run first: make run ARGS='--set tracking.mlflow=embedded', or `flightline track`"
        raise UsageError(f"there is no store {database}", todo)
    return database


if __name__ == "__main__":
    sys.exit(main())
