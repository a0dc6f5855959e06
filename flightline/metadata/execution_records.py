"""A record of each execution beside the artifacts that it made, from which a lost metadata store can be rebuilt.

`ARTIFACTS/NODE/.system/record/EXECUTION/execution.json` holds ML Metadata's own messages as JSON: the execution, its
artifacts with their types, its contexts and events. TFX keeps its own files of executions in `.system`, too; cleaning
up after a killed step and garbage collection remove them with the artifacts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ml_metadata as mlmd
from google.protobuf import json_format
from google.protobuf.message import Message

from flightline.config.settings import Config
from flightline.metadata.properties import OUTPUT_EVENTS
from flightline.utils.files import atomic_write
from flightline.utils.storage import is_uri

RECORD_PATTERN = "*/.system/record/*/execution.json"  # below the folder of artifacts


def write_execution_records(config: Config, store: mlmd.MetadataStore, steps: Iterable[tuple[str, int]]) -> None:
    """Write the records of executions as ML Metadata has them now.

    Nothing is written where the store is on a server, which has backups of its own, or where artifacts are at a URI.

    Args:
        steps: (node, execution id) of each.
    """
    if config.metadata.uses_server or is_uri(config.artifacts):
        return
    for node, execution_id in steps:
        folder = Path(config.artifacts) / node / ".system" / "record" / str(execution_id)
        folder.mkdir(parents=True, exist_ok=True)
        record = _collect_record(store, execution_id)
        atomic_write(folder / "execution.json", json.dumps(record, indent=1, sort_keys=True) + "\n")


def _collect_record(store: mlmd.MetadataStore, execution_id: int) -> dict[str, Any]:
    [execution] = store.get_executions_by_id([execution_id])
    events = store.get_events_by_execution_ids([execution_id])
    artifacts = store.get_artifacts_by_id(sorted({event.artifact_id for event in events})) if events else []
    contexts = store.get_contexts_by_execution(execution_id)
    made = {event.artifact_id for event in events if event.type in OUTPUT_EVENTS}
    own = {context.id for context in contexts}
    return {
        "execution": _to_dict(execution),
        "execution_type": _to_dict(store.get_execution_type(execution.type)),
        "events": [_to_dict(event) for event in events],
        "artifacts": [_to_dict(artifact) for artifact in artifacts],
        "artifact_types": [_to_dict(store.get_artifact_type(name)) for name in sorted({a.type for a in artifacts})],
        "contexts": [_to_dict(context) for context in contexts],
        "context_types": [_to_dict(store.get_context_type(name)) for name in sorted({c.type for c in contexts})],
        "attributions": [
            [artifact, context.id]
            for artifact in sorted(made)
            for context in store.get_contexts_by_artifact(artifact)
            if context.id in own
        ],
        "parents": [
            [context.id, parent.id]
            for context in contexts
            for parent in store.get_parent_contexts_by_context(context.id)
            if parent.id in own
        ],
    }


def _to_dict(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(message, preserving_proto_field_name=True)
