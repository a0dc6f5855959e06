"""MLflow's user interface on the store that the config names, on this machine alone.

python -m scripts.mlflow_ui [--config F] [--port N]

It needs more than telling MLflow of runs does (a web server, plotting), so it has an environment of its own, in .cache.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pipeline.config_file import DEFAULT_CONFIG, load_config
from pipeline.errors import FlightlineError, UsageError, print_last_line
from pipeline.tracking.settings import EMBEDDED, SQLITE

REQUIREMENTS = Path(__file__).with_name("mlflow-ui.txt")
HOME = Path(".cache/mlflow-ui").resolve()


def main() -> int:
    """Serves the interface until it is interrupted; returns the exit code."""
    parser = argparse.ArgumentParser(description="Show what MLflow was told of the runs.")
    parser.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help="the pipeline's config")
    parser.add_argument("--port", type=int, default=5000)
    asked = parser.parse_args()
    try:
        database = store_to_show(asked.config)
        mlflow = set_up()
    except FlightlineError as error:
        print_last_line(sys.stderr, error)
        return error.exit_code
    print(f"MLflow on {database}: http://127.0.0.1:{asked.port} (Ctrl-C ends it)", flush=True)
    where = ["--backend-store-uri", f"{SQLITE}{database}", "--host", "127.0.0.1", "--port", str(asked.port)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet"}
    command = [str(mlflow), "server", *where, "--workers", "1"]
    try:
        return subprocess.run(command, env={**os.environ, **quiet}, check=False).returncode
    except KeyboardInterrupt:
        return 0


def store_to_show(path: Path) -> Path:
    """The sqlite file of a config; the embedded one where the config tracks nothing (--set may have, for one run).

    Raises:
        UsageError: the store is a server, which has an interface of its own, or nothing was told yet.
    """
    config = load_config(path, () if load_config(path).tracking.mlflow else (f"tracking.mlflow={EMBEDDED}",))
    database = config.tracking.database(config.workspace)
    if database is None:
        raise UsageError(f"the store {config.tracking.mlflow} is a server", "open that address in a browser")
    if not database.is_file():
        todo = "track a run first: make run ARGS='--set tracking.mlflow=embedded', or `flightline track`"
        raise UsageError(f"there is no store {database}", todo)
    return database


def set_up() -> Path:
    """MLflow's command in its environment; made, or made anew, where it is not what the lock says.

    Raises:
        UsageError: the packages cannot be had.
    """
    done, wanted = HOME / "complete", REQUIREMENTS.read_text(encoding="utf-8")
    command = HOME / "bin" / "mlflow"
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return command
    print(f"Fetching MLflow's user interface into {HOME}", flush=True)
    shutil.rmtree(HOME, ignore_errors=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    for step in (
        ["venv", "--quiet", "--python", sys.executable, str(HOME)],
        ["pip", "sync", "--quiet", "--python", str(HOME / "bin" / "python"), "--require-hashes", str(REQUIREMENTS)],
    ):
        ended = subprocess.run([uv, *step], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise UsageError(f"MLflow's user interface could not be fetched: {' '.join(ended.stderr.split())[:400]}")
    done.write_text(wanted, encoding="utf-8")
    return command


if __name__ == "__main__":
    sys.exit(main())
