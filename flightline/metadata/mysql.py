"""A metadata store on a MySQL or MariaDB server: its connection config, checks of its database, and locks in it.

ML Metadata's own client does not report why it cannot connect, and it accepts databases that lose data. So `pymysql`
checks the server first. A password is read from the environment when a connection is opened, and is stored nowhere: the
pipeline's configuration holds the reference `${NAME}` instead.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from absl import logging
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.metadata import MetadataConfig
from flightline.errors import RESUME_HINT, ConfigError, FlightlineError, StepFailed
from flightline.utils.file_lock import LockHeld

_CREATE_DATABASE_SQL = "CREATE DATABASE {} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_ENV_REFERENCE = re.compile(r"\$\{([A-Z_][A-Z0-9_]*)\}")
_CONFIG_ERROR_CODES = {
    1044,
    1045,
    1049,
    1130,
    1142,
    1227,
    1251,
    1698,
}  # MySQL's codes of errors that a change of the config fixes
_LOCK_POLL_INTERVAL_S = 0.5
_MAX_IDLE_TIMEOUT_S = 31_536_000  # the longest time that the server keeps an idle connection open


def connection_config(settings: MetadataConfig) -> pb.ConnectionConfig:
    """ML Metadata's connection config without the password, which `with_password` fills in."""
    config = pb.ConnectionConfig()
    config.mysql.host = settings.address
    config.mysql.port = settings.port
    config.mysql.database = settings.database
    config.mysql.user = settings.user
    config.mysql.password = f"${{{settings.password_env}}}"
    config.mysql.skip_db_creation = True  # ML Metadata would create it with the server's default character set
    return config


def with_password(config: pb.ConnectionConfig) -> pb.ConnectionConfig:
    """A copy that holds the password from the environment. Connect with it, and do not store it."""
    if config.WhichOneof("config") != "mysql" or not (name := _ENV_REFERENCE.fullmatch(config.mysql.password)):
        return config
    copy = pb.ConnectionConfig()
    copy.CopyFrom(config)
    copy.mysql.password = read_password(name[1])
    return copy


def read_password(variable: str) -> str:
    """Raises ConfigError where the variable is not set."""
    if variable not in os.environ:
        raise ConfigError(
            f"metadata.password_env: the environment variable {variable}, which holds the password of the metadata"
            " store's user, is not set",
            f"read -rs {variable}; export {variable}",
        )
    return os.environ[variable]


@contextlib.contextmanager
def suppress_logging() -> Iterator[None]:
    """Keep ML Metadata from logging its connection config, with the password, at the log level DEBUG."""
    before = logging.get_verbosity()
    logging.set_verbosity(min(before, logging.INFO))
    try:
        yield
    finally:
        logging.set_verbosity(before)


@contextlib.contextmanager
def connect(settings: MetadataConfig) -> Iterator[Any]:
    """A connection to the database, closed at the end.

    Raises:
        ConfigError: the server refuses the user or has no such database, or the password is not set.
        StepFailed: the server does not answer.
    """
    import pymysql  # only a store on a server needs it

    secret = read_password(settings.password_env)
    try:
        connection = pymysql.connect(
            host=settings.address,
            port=settings.port,
            user=settings.user,
            password=secret,
            database=settings.database,
            charset="utf8mb4",
            autocommit=True,
            connect_timeout=max(1, round(settings.connect_timeout_s)),
        )
    except (pymysql.MySQLError, RuntimeError, OSError) as error:
        raise _translate_error(error, settings) from None
    try:
        yield connection
    except pymysql.MySQLError as error:
        raise _translate_error(error, settings) from None
    finally:
        with contextlib.suppress(pymysql.MySQLError):
            connection.close()


def has_store(settings: MetadataConfig) -> bool:
    """Whether the database has ML Metadata's tables; also checks that the database stores texts unchanged.

    Raises:
        ConfigError: its collation would mix up names that differ only in case, or change texts.
        ConfigError, StepFailed: as `connect` raises them.
    """
    with connect(settings) as connection:
        [(default,)] = _query(connection, "SELECT @@collation_database")
        tables = _query(
            connection,
            "SELECT table_name, table_collation FROM information_schema.tables WHERE table_schema = %s"
            " AND table_name IN ('Context', 'MLMDEnv')",
            settings.database,
        )
        for collation in {default} if not tables else {collation for _, collation in tables}:
            if not (collation.startswith("utf8mb4_") and collation.endswith("bin")):
                raise ConfigError(
                    f"metadata: the database {settings.display_name} has the collation {collation}: runs whose names"
                    " differ only in case would be mixed up, and some texts could not be stored",
                    f"create an empty database: {_CREATE_DATABASE_SQL.format(settings.database)}",
                )
        return len(tables) > 1 and bool(_query(connection, "SELECT schema_version FROM MLMDEnv"))


@contextlib.contextmanager
def named_lock(
    settings: MetadataConfig, name: str, wait_s: float = 0.0, say: Callable[[str], None] = print
) -> Iterator[None]:
    """Hold a lock with this name in the database: one process at a time, on any machine.

    The server releases the lock when the connection ends, even if the process was killed.

    Raises:
        LockHeld: another process holds the lock.
        ConfigError, StepFailed: as `connect` raises them.
    """
    lock = f"flightline:{hashlib.sha256(f'{settings.database}.{name}'.encode()).hexdigest()[:40]}"
    deadline, notified = time.monotonic() + wait_s, False
    with connect(settings) as connection:
        _query(connection, "SET SESSION wait_timeout = %s", _MAX_IDLE_TIMEOUT_S)
        while _query(connection, "SELECT GET_LOCK(%s, 0)", lock) != [(1,)]:
            if time.monotonic() >= deadline:
                holder = _lock_holder_address(connection, lock)
                raise LockHeld(
                    f"{name} is already running with the metadata store {settings.display_name}{holder}",
                    "wait until it ends, add --wait SECONDS, or give this pipeline another `name`",
                )
            if not notified:
                say(f"waiting for {name}, which is running with the metadata store {settings.display_name}")
                notified = True
            time.sleep(_LOCK_POLL_INTERVAL_S)
        try:
            yield
        finally:
            with contextlib.suppress(Exception):  # the server may be gone, and the lock with it
                _query(connection, "SELECT RELEASE_LOCK(%s)", lock)


def _lock_holder_address(connection: Any, lock: str) -> str:
    """The address of the lock's holder, if the server knows it."""
    rows = _query(connection, "SELECT host FROM information_schema.processlist WHERE id = IS_USED_LOCK(%s)", lock)
    return f", from {rows[0][0]}" if rows and rows[0][0] else ""


def _query(connection: Any, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())


def _translate_error(error: BaseException, settings: MetadataConfig) -> FlightlineError:
    """Return a Flightline error with the server's code and message, and without the client's arguments."""
    code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    message = str(error.args[1]) if code and len(error.args) > 1 else str(error)
    store = f"the metadata store {settings.display_name}"
    if code in _CONFIG_ERROR_CODES:
        fix = f"fix metadata.user, metadata.database or the password in {settings.password_env}"
        if code in (1044, 1049):
            database = settings.database
            fix = f"create it: {_CREATE_DATABASE_SQL.format(database)}; GRANT ALL ON {database}.* TO the user"
        return ConfigError(f"{store} refuses the user {settings.user}: {message}", fix)
    return StepFailed(
        f"{store} does not answer: {message}", f"check that the server runs and can be reached; then {RESUME_HINT}"
    )
