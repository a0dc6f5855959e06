"""A MariaDB server on this machine's loopback, from unpacked files, which runs for the length of a `with` block."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pymysql

from scripts.cluster import LOOPBACK, START_TIMEOUT_S, STOP_TIMEOUT_S

DATABASE, USER, PASSWORD_ENV = "flightline", "flightline", "FLIGHTLINE_METADATA_PASSWORD"
CREATE_DATABASE_SQL = "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_MEMORY_OPTIONS = ("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=2")
_SYSTEM_TABLE_SCRIPTS = ("mysql_system_tables", "mysql_performance_tables", "mysql_system_tables_data")


class MariaDB:
    """One server, with a database that is ready to be a metadata store.

    Attributes:
        port: on the loopback, the only interface that it listens on.
        password: of the user `flightline`; generated for a new folder and saved in it.
        folder: of its data and its log.
    """

    def __init__(self, home: Path, folder: Path, port: int) -> None:
        """`home` is the folder of the unpacked server."""
        self.home = home.resolve()
        self.folder = folder.resolve()
        self.port = port
        self.password = ""
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of a command that uses it."""
        return {PASSWORD_ENV: self.password}

    def settings(self, database: str = DATABASE) -> list[str]:
        """`a.b=value` for the config of a pipeline that uses it."""
        values = {"backend": "mysql", "port": self.port, "database": database, "user": USER}
        return [f"metadata.{key}={value}" for key, value in values.items()]

    def start(self) -> None:
        """Start it, and wait until it answers.

        Raises:
            RuntimeError: it ended, or did not answer within a minute; the message names its log.
        """
        if not (self.folder / "password").is_file():
            self._initialise()
        self.password = (self.folder / "password").read_text(encoding="utf-8")
        words = [f"--port={self.port}", f"--bind-address={LOOPBACK}", f"--socket={self.folder / 'socket'}"]
        words += ["--skip-name-resolve", f"--pid-file={self.folder / 'pid'}"]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command(*words),
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C stops what uses it; it is stopped after that
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"MariaDB did not start at port {self.port}; its log: {self.folder / 'log'}")
            time.sleep(0.1)

    def stop(self, signal_number: int = signal.SIGTERM) -> None:
        """Stop it with a signal and wait until it has ended; SIGKILL is like a machine that loses power."""
        if self.process is None:
            return
        self.process.send_signal(signal_number)
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def sql(self, *statements: str) -> list[tuple[Any, ...]]:
        """Execute statements as the server's root; returns the rows of the last one."""
        rows: Sequence[tuple[Any, ...]] = ()
        with pymysql.connect(unix_socket=str(self.folder / "socket"), user="root", autocommit=True) as connection:
            for statement in statements:
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                    rows = cursor.fetchall()
        return list(rows)

    def add_database(self, name: str, create: str = CREATE_DATABASE_SQL) -> str:
        """Add a database that the user may write to; returns its name."""
        self.sql(create.format(name), f"GRANT ALL ON {name}.* TO {USER}@'{LOOPBACK}'")
        return name

    def _initialise(self) -> None:
        """Create the system tables, as mariadb-install-db does, the database and its user."""
        data = self.folder / "data"
        data.mkdir(parents=True)
        share, password = self.home / "usr/share/mysql", secrets.token_hex(16)
        statements = [
            "CREATE DATABASE mysql;\nUSE mysql;",
            *((share / f"{name}.sql").read_text(encoding="utf-8") for name in _SYSTEM_TABLE_SCRIPTS),
            f"FLUSH PRIVILEGES;\n{CREATE_DATABASE_SQL.format(DATABASE)};",
            f"CREATE USER {USER}@'{LOOPBACK}' IDENTIFIED BY '{password}';",
            f"GRANT ALL ON {DATABASE}.* TO {USER}@'{LOOPBACK}';\n",
        ]
        bootstrap = subprocess.run(
            self._command("--bootstrap", "--skip-networking"),
            env=self._environment(),
            input="\n".join(statements).encode(),
            capture_output=True,
            check=False,
        )
        if bootstrap.returncode:
            (self.folder / "log").write_bytes(bootstrap.stderr)
            raise RuntimeError(f"MariaDB's system tables could not be created; its log: {self.folder / 'log'}")
        secret = self.folder / "password"
        secret.touch(mode=0o600)
        secret.write_text(password, encoding="utf-8")

    def _command(self, *words: str) -> list[str]:
        share = self.home / "usr/share/mysql"
        places = [f"--basedir={self.home / 'usr'}", f"--datadir={self.folder / 'data'}"]
        places += [f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}"]
        as_root = ["--user=root"] if os.geteuid() == 0 else []  # it refuses to run as root without this
        return [str(self.home / "usr/sbin/mariadbd"), "--no-defaults", *places, *_MEMORY_OPTIONS, *as_root, *words]

    def _environment(self) -> dict[str, str]:
        """Environment variables with which it finds the libraries that were unpacked with it."""
        libraries = ":".join(str(path) for path in sorted((self.home / "usr/lib").glob("*-linux-gnu*")))
        return {**os.environ, "LD_LIBRARY_PATH": libraries}

    def _answers(self) -> bool:
        with contextlib.suppress(pymysql.MySQLError):
            return bool(self.sql("SELECT 1"))
        return False


@contextlib.contextmanager
def running_server(server: MariaDB) -> Iterator[MariaDB]:
    """Run the server for the length of the block; its folder is kept."""
    try:
        server.start()
        yield server
    finally:
        server.stop()
