"""Properties and event types of ML Metadata, and the names of our own properties."""

from __future__ import annotations

from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

KEY_PARTS_PROPERTY = "key_parts"  # of an execution
CONTENT_DIGEST_PROPERTY = "content_digest"  # of an artifact

OUTPUT_EVENTS = {pb.Event.OUTPUT, pb.Event.DECLARED_OUTPUT, pb.Event.INTERNAL_OUTPUT}
INPUT_EVENTS = {pb.Event.INPUT, pb.Event.DECLARED_INPUT, pb.Event.INTERNAL_INPUT}


# The states that `flightline gc` sets: no step reads the artifact any more; its files are removed, or will be.
COLLECTED_STATES = {pb.Artifact.MARKED_FOR_DELETION, pb.Artifact.DELETED}


def property_value(value: pb.Value) -> Any:
    """The Python value of a property."""
    kind = value.WhichOneof("value")
    return getattr(value, kind) if kind else None


def properties_of(node: pb.Artifact | pb.Execution | pb.Context) -> dict[str, Any]:
    """All properties of an artifact, execution or context, custom ones included."""
    return {k: property_value(v) for fields in (node.properties, node.custom_properties) for k, v in fields.items()}
