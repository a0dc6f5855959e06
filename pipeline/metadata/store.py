"""Opening the metadata store, and the questions that both TFX lines answer (1.21 has no `filter_query`)."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from pipeline.errors import InputError
from pipeline.machine import known

OUTPUT_EVENTS = {pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT}
INPUT_EVENTS = {pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT}
# What `flightline gc` makes of an artifact: no step is given it any more, and its files are gone or about to be.
COLLECTED = {pb.Artifact.MARKED_FOR_DELETION, pb.Artifact.DELETED}
EXECUTION_RESULT = "__execution_result__"  # where TFX keeps the code and message of a failed execution


def sqlite_config(path: Path) -> pb.ConnectionConfig:
    config = pb.ConnectionConfig()
    config.sqlite.filename_uri = str(path)
    config.sqlite.connection_mode = pb.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
    return config


def open_store(path: Path) -> mlmd.MetadataStore:
    """The existing sqlite store at `path`.

    Raises:
        InputError: there is none, or it is not a metadata store.
        StepFailed: it is locked, or damaged.
    """
    if not path.is_file():
        raise InputError(f"there is no metadata store {path}", "run the pipeline first (`make run`)")
    try:
        return mlmd.MetadataStore(sqlite_config(path))
    except Exception as error:  # ml_metadata raises its own kinds for what sqlite says
        unreadable = InputError(f"{path} is not a readable metadata store: {error}", "move it away and run again")
        raise (known(error) or unreadable) from error


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


def value_of(value: pb.Value) -> Any:
    """The Python value of a property."""
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None


def properties_of(node: pb.Artifact | pb.Execution | pb.Context) -> dict[str, Any]:
    """All properties of an artifact, execution or context, custom ones included."""
    return {k: value_of(v) for fields in (node.properties, node.custom_properties) for k, v in fields.items()}


def execution_result(execution: pb.Execution) -> tuple[int, str]:
    """(code, message) with which an execution ended; (0, "") where none is recorded."""
    text = properties_of(execution).get(EXECUTION_RESULT)
    if not text:
        return 0, ""
    recorded = json.loads(text)
    return int(recorded.get("code", 0)), str(recorded.get("resultMessage", ""))


def keep_about(store: mlmd.MetadataStore, run_id: str, facts: Mapping[str, str]) -> None:
    """Keeps facts with a run as a whole; it has to be on record."""
    context = store.get_context_by_type_and_name("pipeline_run", run_id)
    for name, value in facts.items():
        context.custom_properties[name].string_value = value
    store.put_contexts([context])


def record_failure(store: mlmd.MetadataStore, execution: pb.Execution, code: int, message: str) -> None:
    """Keeps the reason of a failed execution in its lineage; TFX records one only where an executor returns it."""
    if EXECUTION_RESULT not in execution.custom_properties:
        result = json.dumps({"code": code, "resultMessage": message})
        execution.custom_properties[EXECUTION_RESULT].string_value = result
        store.put_executions([execution])
