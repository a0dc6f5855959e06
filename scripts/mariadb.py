"""MariaDB on this machine, from Debian's packages, without being installed.

python -m scripts.mariadb setup                  unpacks the server into .cache/engines
python -m scripts.mariadb server                 keeps one running until Ctrl-C, and says how to use it
python -m scripts.mariadb run [runner options]   runs the whole DAG with one as metadata store, which then ends
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from scripts.apt import unpacked, with_what_is_missing
from scripts.engine import answer, run_pipeline
from scripts.job_server import ENGINES
from scripts.mariadb_server import PASSWORD_ENV, MariaDB, running

PORT = 3307  # beside a server that may be here already


def set_up() -> Path:
    """The folder with the server's files, which are there when this returns.

    Raises:
        Unavailable: they cannot be had here.
    """
    home = ENGINES / "mariadb"
    if not home.is_dir():
        print(f"Fetching MariaDB from Debian's packages into {home}", flush=True)
        unpacked(with_what_is_missing("mariadb-server-core"), home)
    return home


def main() -> int:
    """Does what the command line asks for; returns the exit code."""
    return answer("MariaDB", str(__doc__), "server", set_up, _use)


def _use(home: Path, options: list[str] | None) -> int:
    with running(MariaDB(home, ENGINES / "mariadb-server", PORT)) as server:
        print(f"MariaDB at 127.0.0.1:{server.port}, its data and log in {os.path.relpath(server.folder)}", flush=True)
        if options is None:
            return _keep(server)
        return run_pipeline([*_options(server), *options], server.environment)


def _options(server: MariaDB) -> list[str]:
    return [word for setting in server.settings() for word in ("--set", setting)]


def _keep(server: MariaDB) -> int:
    """Keeps it until Ctrl-C."""
    print("Ctrl-C ends it. To use it:")
    print(f"  export {PASSWORD_ENV}=$(cat {os.path.relpath(server.folder / 'password')})")
    print(f"  {os.path.relpath(sys.executable)} runner_local.py {' '.join(_options(server))}", flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
