"""What a release takes, for whoever asks it: the features of its schema, their types, domains, and which must be there.

Kept in release.json, so that a server holds requests to it without the schema, TFX or TensorFlow.
"""

from __future__ import annotations

from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.schema import TYPE_NAMES

SERVING = "SERVING"  # the schema's environment


def input_contract(schema: schema_pb2.Schema, label: str, model_reads: frozenset[str]) -> list[dict[str, Any]]:
    """The features of `schema` in serving, sorted by name.

    Each is `{"name", "type": int | float | bytes, "required", "min"?, "max"?, "values"?}`. A feature is required where
    every training row had it and the model reads it; a domain that lets some values through in training is left open.
    """
    domains = {domain.name: domain for domain in schema.string_domain}
    found = []
    for feature in sorted(schema.feature, key=lambda feature: feature.name):
        if feature.name == label or SERVING in feature.not_in_environment or feature.type not in TYPE_NAMES:
            continue
        entry: dict[str, Any] = {
            "name": feature.name,
            "type": TYPE_NAMES[feature.type],
            "required": feature.name in model_reads and _always_there(feature),
        }
        if not _open(feature):
            entry |= _bounds(feature) | _values(feature, domains)
        found.append(entry)
    return found


def label_values(schema: schema_pb2.Schema, label: str, positive: str | float | None) -> list[Any] | None:
    """The label's value that is not `positive`, and `positive`; None where its domain does not name just the two."""
    feature = next(feature for feature in schema.feature if feature.name == label)
    if positive is None or _open(feature):
        return None
    values: list[Any] = []
    for found in _values(feature, {domain.name: domain for domain in schema.string_domain}).values():
        values += found
    bounds = _bounds(feature)
    if feature.type == schema_pb2.INT and {"min", "max"} <= bounds.keys():
        values += [bounds["min"], bounds["max"]] if bounds["max"] - bounds["min"] == 1 else []
    others = [value for value in values if value != positive]
    return [*others, positive] if len(values) == 2 and len(others) == 1 else None


def _always_there(feature: schema_pb2.Feature) -> bool:
    filled = feature.HasField("shape") or feature.value_count.min >= 1
    return feature.presence.min_fraction >= 1 and filled


def _open(feature: schema_pb2.Feature) -> bool:
    """Whether values beyond the domain may come: the schema asks for a part of them only."""
    constraints = feature.distribution_constraints
    return feature.HasField("distribution_constraints") and constraints.min_domain_mass < 1


def _bounds(feature: schema_pb2.Feature) -> dict[str, float]:
    for name in ("int_domain", "float_domain"):
        if feature.HasField(name):
            domain = getattr(feature, name)
            return {key: getattr(domain, key) for key in ("min", "max") if domain.HasField(key)}
    return {}


def _values(feature: schema_pb2.Feature, domains: dict[str, schema_pb2.StringDomain]) -> dict[str, list[str]]:
    domain = domains.get(feature.domain) if feature.HasField("domain") else None
    if feature.HasField("string_domain"):
        domain = feature.string_domain
    return {"values": sorted(domain.value)} if domain else {}
