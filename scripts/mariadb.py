"""MariaDB on this machine, from Debian's packages, without being installed.

python -m scripts.mariadb setup                  unpacks the server into .cache/engines
python -m scripts.mariadb server                 keeps one running until Ctrl-C, and prints how to use it
python -m scripts.mariadb run [runner options]   runs the whole DAG with one as metadata store, which then ends
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from scripts.apt import unpack_packages, with_missing_dependencies
from scripts.cluster_command import run_pipeline, run_tool_command
from scripts.job_server import ENGINES_DIR
from scripts.mariadb_server import PASSWORD_ENV, MariaDB, running_server

PORT = 3307  # not 3306, where another server may run


def ensure_mariadb() -> Path:
    """The folder with the server's files, downloaded if they are missing.

    Raises:
        ToolUnavailable: they cannot be downloaded.
    """
    home = ENGINES_DIR / "mariadb"
    if not home.is_dir():
        print(f"Downloading MariaDB from Debian's packages into {home}", flush=True)
        unpack_packages(with_missing_dependencies("mariadb-server-core"), home)
    return home


def main() -> int:
    """Run the command line; returns the exit code."""
    return run_tool_command("MariaDB", str(__doc__), "server", ensure_mariadb, _run_with_server)


def _run_with_server(home: Path, options: list[str] | None) -> int:
    with running_server(MariaDB(home, ENGINES_DIR / "mariadb-server", PORT)) as server:
        print(f"MariaDB at 127.0.0.1:{server.port}, its data and log in {os.path.relpath(server.folder)}", flush=True)
        if options is None:
            return _wait_for_interrupt(server)
        return run_pipeline([*_runner_options(server), *options], server.environment)


def _runner_options(server: MariaDB) -> list[str]:
    return [word for setting in server.settings() for word in ("--set", setting)]


def _wait_for_interrupt(server: MariaDB) -> int:
    """Keep it running until Ctrl-C."""
    print("Ctrl-C ends it. To use it:")
    print(f"  export {PASSWORD_ENV}=$(cat {os.path.relpath(server.folder / 'password')})")
    print(f"  {os.path.relpath(sys.executable)} runner_local.py {' '.join(_runner_options(server))}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
