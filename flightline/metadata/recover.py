"""Rebuild an SQLite metadata store from the records of executions beside the artifacts, with the same ids."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.execution_records import RECORD_PATTERN
from flightline.metadata.store import sqlite_config
from flightline.utils.storage import is_uri


@dataclass(frozen=True)
class RecoveredStore:
    """What was rebuilt, and what could not be.

    Attributes:
        path: the new store.
        executions: number of executions.
        artifacts: number of artifacts.
        runs: ids of the runs.
        unreadable: records that cannot be read, and why.
        unrecorded: folders of artifacts whose execution has no record.
        missing: artifacts on record whose files are gone, lost or removed by `flightline gc`: they are in the store as
            DELETED, so that no step gets them.
    """

    path: Path
    executions: int
    artifacts: int
    runs: list[str]
    unreadable: list[str]
    unrecorded: list[str]
    missing: list[str]


@dataclass
class _Content:
    """All records together; of what several records hold, the last update."""

    types: dict[tuple[str, str], Any] = field(default_factory=dict)
    nodes: dict[str, dict[int, Any]] = field(default_factory=lambda: {"Artifact": {}, "Execution": {}, "Context": {}})
    events: list[pb.Event] = field(default_factory=list)
    associations: set[tuple[int, int]] = field(default_factory=set)
    attributions: set[tuple[int, int]] = field(default_factory=set)
    parents: set[tuple[int, int]] = field(default_factory=set)

    def add_node(self, table: str, node: Any) -> None:
        known = self.nodes[table].get(node.id)
        if known is None or known.last_update_time_since_epoch <= node.last_update_time_since_epoch:
            self.nodes[table][node.id] = node


def recover_store(config: Config) -> RecoveredStore:
    """Rebuild the store of a workspace. The new store takes its place only when it is complete.

    Raises:
        UsageError: there is a store already, it is on a server, or there are no records.
    """
    path, root = config.metadata_db, Path(config.artifacts)
    if config.metadata.uses_server or is_uri(config.artifacts):
        raise UsageError(
            "only an SQLite store of artifacts on this machine can be rebuilt", "restore the server's own backup"
        )
    if path.is_file() and path.stat().st_size:
        raise UsageError(
            f"there is a metadata store {path}", "move it away first, if it is damaged or not the right one"
        )
    content, unreadable, recorded = _Content(), [], set()
    for file in sorted(root.glob(RECORD_PATTERN)):
        try:
            _read_record(json.loads(file.read_text(encoding="utf-8")), content)
            recorded.add((file.parents[3].name, file.parent.name))
        except (OSError, ValueError, KeyError, TypeError, json_format.ParseError) as error:
            unreadable.append(f"{file}: {error}")
    if not recorded:
        raise UsageError(
            f"{root} has no readable records of executions: the store cannot be rebuilt",
            "restore metadata.db from a backup; or, to start anew, move the whole workspace away",
        )
    missing = [artifact for artifact in content.nodes["Artifact"].values() if not Path(artifact.uri).exists()]
    for artifact in missing:
        artifact.state = pb.Artifact.DELETED
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        _write_store(content, temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    runs = [context.name for context in content.nodes["Context"].values() if context.type == "pipeline_run"]
    folders = [folder for folder in root.glob("*/*/*") if folder.name.isdecimal() and folder.parent.name[0] != "."]
    unrecorded = [str(f) for f in folders if (f.parents[1].name, f.name) not in recorded and any(f.iterdir())]
    executions, artifacts = len(content.nodes["Execution"]), len(content.nodes["Artifact"])
    return RecoveredStore(
        path, executions, artifacts, sorted(runs), unreadable, sorted(unrecorded), [a.uri for a in missing]
    )


def _read_record(record: Mapping[str, Any], content: _Content) -> None:
    """Add a record; nothing of one that cannot be read."""
    execution = json_format.ParseDict(record["execution"], pb.Execution())
    artifacts = [json_format.ParseDict(one, pb.Artifact()) for one in record["artifacts"]]
    contexts = [json_format.ParseDict(one, pb.Context()) for one in record["contexts"]]
    events = [json_format.ParseDict(one, pb.Event()) for one in record["events"]]
    types = [("Execution", json_format.ParseDict(record["execution_type"], pb.ExecutionType()))]
    types += [("Artifact", json_format.ParseDict(one, pb.ArtifactType())) for one in record["artifact_types"]]
    types += [("Context", json_format.ParseDict(one, pb.ContextType())) for one in record["context_types"]]
    attributions = {(int(artifact), int(context)) for artifact, context in record["attributions"]}
    parents = {(int(child), int(parent)) for child, parent in record["parents"]}
    for table, kind in types:
        if (table, kind.name) in content.types:
            content.types[table, kind.name].properties.update(kind.properties)
        else:
            content.types[table, kind.name] = kind
    content.add_node("Execution", execution)
    for table, nodes in (("Artifact", artifacts), ("Context", contexts)):
        for node in nodes:
            content.add_node(table, node)
    content.events += events
    content.associations |= {(execution.id, context.id) for context in contexts}
    content.attributions |= attributions
    content.parents |= parents


def _write_store(content: _Content, path: Path) -> None:
    store = mlmd.MetadataStore(sqlite_config(path))
    put_type = {"Artifact": store.put_artifact_type, "Execution": store.put_execution_type}
    type_ids = {}
    for (table, name), kind in content.types.items():
        kind.ClearField("id")
        type_ids[table, name] = put_type.get(table, store.put_context_type)(kind)
    for table, put in (
        ("Artifact", store.put_artifacts),
        ("Execution", store.put_executions),
        ("Context", store.put_contexts),
    ):
        nodes = list(content.nodes[table].values())
        for node in nodes:
            node.type_id = type_ids[table, node.type]
        _insert_ids(path, table, nodes)
        put(nodes)
    if content.events:
        store.put_events(content.events)
    store.put_attributions_and_associations(
        [
            pb.Attribution(artifact_id=artifact, context_id=context)
            for artifact, context in sorted(content.attributions)
        ],
        [pb.Association(execution_id=run, context_id=context) for run, context in sorted(content.associations)],
    )
    store.put_parent_contexts([pb.ParentContext(child_id=a, parent_id=b) for a, b in sorted(content.parents)])
    _restore_times(path, content)


def _insert_ids(path: Path, table: str, nodes: Iterable[Any]) -> None:
    """Insert rows with the ids they had; ML Metadata gives new nodes ids of its own, and then fills in the rest."""
    name = "name" if table != "Artifact" else "uri"
    statement = f"INSERT INTO `{table}` (`id`, `type_id`, `{name}`) VALUES (?, ?, ?)"  # noqa: S608 - our own names
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.executemany(
            statement,
            [(node.id, node.type_id, getattr(node, name) or None) for node in nodes],
        )


def _restore_times(path: Path, content: _Content) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        for table, nodes in content.nodes.items():
            columns = "`create_time_since_epoch` = ?, `last_update_time_since_epoch` = ?"
            database.executemany(
                f"UPDATE `{table}` SET {columns} WHERE `id` = ?",  # noqa: S608 - our own names
                [(n.create_time_since_epoch, n.last_update_time_since_epoch, n.id) for n in nodes.values()],
            )
