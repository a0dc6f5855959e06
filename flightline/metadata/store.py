"""Open the metadata store, and query it in ways that TFX 1.16 and 1.21 share (1.21 has no `filter_query`)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import ml_metadata as mlmd
from absl import logging
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.errors import InputError, StepFailed, mask_credentials, summarize_error
from flightline.metadata import mysql
from flightline.metadata.properties import properties_of
from flightline.utils.diagnostics import diagnose

_CREATE_TABLES_WAIT_S = 60.0
_START_ANEW = "or rebuild it: move it away, then `flightline recover`"
EXECUTION_RESULT = "__execution_result__"  # where TFX keeps the code and message of a failed execution


class StoreNotFound(InputError):
    """There is no metadata store yet."""


def sqlite_config(path: Path) -> pb.ConnectionConfig:
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return config


def connection_config(config: Config) -> pb.ConnectionConfig:
    """The connection that a pipeline gets, without the password (see `mysql.with_password`)."""
    return (
        mysql.connection_config(config.metadata) if config.metadata.uses_server else sqlite_config(config.metadata_db)
    )


def store_name(where: Config | Path) -> str:
    """The name of the store for messages."""
    if isinstance(where, Path):
        return str(where)
    return where.metadata.display_name if where.metadata.uses_server else str(where.metadata_db)


def has_store(where: Config | Path) -> bool:
    """Whether there is a store.

    Raises:
        FlightlineError: a server does not answer, refuses the user, or has a database that would lose data.
    """
    if isinstance(where, Path):
        return where.is_file()
    return mysql.has_store(where.metadata) if where.metadata.uses_server else where.metadata_db.is_file()


def open_store(where: Config | Path) -> mlmd.MetadataStore:
    """The existing store of a config, or the existing sqlite store at a path.

    Raises:
        StoreNotFound: there is none.
        InputError: it is not a metadata store, or an empty file.
        StepFailed: it is locked or damaged, or its server does not answer.
        ConfigError: the server refuses the user.
    """
    if not has_store(where):
        raise StoreNotFound(f"there is no metadata store {store_name(where)}", "run the pipeline first (`make run`)")
    if not isinstance(where, Path) and where.metadata.uses_server:
        return _open_server_store(where)
    path = where if isinstance(where, Path) else where.metadata_db
    if path.stat().st_size == 0:  # sqlite takes an empty file for a new database
        raise InputError(f"the metadata store {path} is empty (0 bytes)", f"restore it from a backup; {_START_ANEW}")
    try:
        return mlmd.MetadataStore(sqlite_config(path))
    except Exception as error:  # ml_metadata has its own exceptions for sqlite's errors
        unreadable = InputError(
            f"{path} is not a readable metadata store: {error}", f"restore it from a backup; {_START_ANEW}"
        )
        raise (diagnose(error) or unreadable) from error


def open_or_create_store(config: Config) -> mlmd.MetadataStore:
    """Open the store on the config's server; create its tables where they are missing, by one process at a time."""
    if not has_store(config):
        with mysql.named_lock(config.metadata, "creating the tables", wait_s=_CREATE_TABLES_WAIT_S, say=logging.info):
            _open_server_store(config)
    return open_store(config)


def _open_server_store(config: Config) -> mlmd.MetadataStore:
    with mysql.suppress_logging():
        try:
            return mlmd.MetadataStore(mysql.with_password(connection_config(config)))
        except (RuntimeError, mlmd.errors.StatusError) as error:
            raise StepFailed(
                f"ML Metadata cannot use its store {store_name(config)}: {summarize_error(error)}",
                "the server knows the user; ML Metadata's client can only log in with mysql_native_password",
            ) from None


def artifacts_by_key(
    store: mlmd.MetadataStore, execution_ids: list[int], kinds: set[int]
) -> dict[int, dict[str, list[pb.Artifact]]]:
    """Execution id → channel key → artifacts, for the events of these kinds, in one query each."""
    events = [e for e in store.get_events_by_execution_ids(execution_ids) if e.type in kinds] if execution_ids else []
    found = {a.id: a for a in store.get_artifacts_by_id(sorted({e.artifact_id for e in events}))} if events else {}
    grouped: dict[int, dict[str, list[pb.Artifact]]] = defaultdict(lambda: defaultdict(list))
    for event in events:
        key = event.path.steps[0].key if event.path.steps else ""
        grouped[event.execution_id][key].append(found[event.artifact_id])
    return grouped


def execution_result(execution: pb.Execution) -> tuple[int, str]:
    """(code, message) with which an execution ended; (0, "") where none is recorded."""
    text = properties_of(execution).get(EXECUTION_RESULT)
    if not text:
        return 0, ""
    recorded = json.loads(text)
    return int(recorded.get("code", 0)), str(recorded.get("resultMessage", ""))


def run_ids_of_execution(store: mlmd.MetadataStore, execution_id: int) -> set[str]:
    """Names of the runs that an execution belongs to."""
    return {context.name for context in store.get_contexts_by_execution(execution_id) if context.type == "pipeline_run"}


def save_run_properties(store: mlmd.MetadataStore, run_id: str, facts: Mapping[str, str]) -> None:
    """Save facts as properties of a run, which must have a step in the store."""
    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    for name, value in facts.items():
        context.custom_properties[name].string_value = value
    store.put_contexts([context])


def record_failure(store: mlmd.MetadataStore, execution: pb.Execution, code: int, message: str) -> None:
    """Record the reason of a failed execution; TFX records one only where an executor returns it."""
    if EXECUTION_RESULT not in execution.custom_properties:
        result = json.dumps({"code": code, "resultMessage": mask_credentials(message)})
        execution.custom_properties[EXECUTION_RESULT].string_value = result
        store.put_executions([execution])
