"""Proposes the smallest edits of the curated schema with which a span would pass; comments in its text are kept."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from flightline.errors import UsageError
from flightline.executors.data_gate.findings import Finding

_UNEXPECTED_VALUE_ANOMALY = "ENUM_TYPE_UNEXPECTED_STRING_VALUES"
_RANGE_ANOMALIES = {"INT_TYPE_SMALL_INT", "INT_TYPE_BIG_INT", "FLOAT_TYPE_SMALL_FLOAT", "FLOAT_TYPE_BIG_FLOAT"}
_INDENT = "  "


@dataclass(frozen=True)
class SchemaProposal:
    """A changed schema.

    Attributes:
        text: the changed schema; unchanged if nothing can be proposed.
        not_proposed: a sentence for each finding for which no edit is proposed.
    """

    text: str
    not_proposed: list[str]


def propose_schema(
    text: str, findings: Iterable[Finding], statistics: Mapping[str, statistics_pb2.DatasetFeatureStatistics]
) -> SchemaProposal:
    """Edits a schema so that the findings no longer block.

    Args:
        text: the curated schema, one field on each line.
        findings: those that block.
        statistics: split → statistics of the span, which have the new values.

    Raises:
        UsageError: the text is not a schema, or does not have one field on each line.
    """
    lines = text.splitlines()
    not_proposed = []
    for finding in findings:
        schema = _parse_schema("\n".join(lines))
        features = [f for split in statistics.values() for f in split.features if _feature_name(f) == finding.feature]
        declared = next((f for f in schema.feature if f.name == finding.feature), None)
        problem = "no edit of the schema can allow this"
        if declared is not None and finding.kind == _UNEXPECTED_VALUE_ANOMALY:
            problem = _add_values(lines, declared, features)
        elif declared is not None and finding.kind in _RANGE_ANOMALIES:
            problem = _widen_range(lines, declared, features)
        elif declared is not None and finding.kind == "MISSING_VALUES":
            problem = _lower_min_fraction(lines, declared, statistics, features)
        if problem:
            not_proposed.append(f"{finding.feature}: {finding.problem} ({problem})")
    changed = "\n".join(lines) + ("\n" if text.endswith("\n") else "")
    _parse_schema(changed)
    return SchemaProposal(changed, not_proposed)


def _add_values(
    lines: list[str], declared: schema_pb2.Feature, features: list[statistics_pb2.FeatureNameStatistics]
) -> str:
    if not declared.domain:
        return "its domain is not a named string_domain"
    start, end = _find_block(lines, "string_domain", declared.domain)
    known = {line.strip() for line in lines[start:end]}
    seen = {bucket.label for f in features for bucket in f.string_stats.rank_histogram.buckets}
    new = [line for line in (f"value: {_quoted(value)}" for value in sorted(seen)) if line not in known]
    last = max(number for number in range(start, end) if number == start or lines[number].strip().startswith("value:"))
    lines[last + 1 : last + 1] = [_INDENT + line for line in new]
    return "" if new else "the statistics do not have the new values"


def _widen_range(
    lines: list[str], declared: schema_pb2.Feature, features: list[statistics_pb2.FeatureNameStatistics]
) -> str:
    kind = declared.WhichOneof("domain_info") or ""
    if kind not in ("int_domain", "float_domain") or not features:
        return "it has no range in the schema"
    lowest = min(f.num_stats.min for f in features)
    highest = max(f.num_stats.max for f in features)
    domain = getattr(declared, kind)
    changed = False
    for field, value, outside in (("min", lowest, lowest < domain.min), ("max", highest, highest > domain.max)):
        if outside and domain.HasField(field) and math.isfinite(value):
            _set_field(lines, declared.name, kind, field, f"{value:.0f}" if kind == "int_domain" else f"{value!r}")
            changed = True
    return "" if changed else "its values are inside the range"


def _lower_min_fraction(
    lines: list[str],
    declared: schema_pb2.Feature,
    statistics: Mapping[str, statistics_pb2.DatasetFeatureStatistics],
    features: list[statistics_pb2.FeatureNameStatistics],
) -> str:
    if declared.HasField("shape"):
        return "the schema has a `shape`, so the model needs a value in every row: remove `shape` by hand"
    rows = sum(int(split.num_examples) for split in statistics.values())
    present = sum(getattr(f, f.WhichOneof("stats")).common_stats.tot_num_values for f in features)
    share = math.floor(100 * present / rows) / 100 if rows else 0.0
    _set_field(lines, declared.name, "presence", "min_fraction", f"{share}")
    return ""


def _set_field(lines: list[str], feature: str, section: str, field: str, value: str) -> None:
    start, end = _find_block(lines, "feature", feature)
    inside = False
    for number in range(start, end):
        inside = inside or re.match(rf"\s*{section}\s*\{{", lines[number]) is not None
        if inside and (found := re.match(rf"(\s*{field}:\s*)[^\s#]+(.*)$", lines[number])):
            lines[number] = f"{found[1]}{value}{found[2]}"
            return
        inside = inside and lines[number].strip() != "}"
    raise UsageError(f"the schema's {feature} has no line `{field}:` in `{section}` to edit", "edit the schema by hand")


def _find_block(lines: list[str], kind: str, name: str) -> tuple[int, int]:
    """First and last line of `KIND { name: "NAME" ... }` at the top level."""
    start = None
    for number, line in enumerate(lines):
        if re.match(rf"{kind}\s*\{{", line):
            start = number
        elif line.startswith("}") and start is not None:
            if any(other.strip() == f"name: {_quoted(name)}" for other in lines[start:number]):
                return start, number
            start = None
    raise UsageError(f"the schema's {kind} {name} does not have one field on each line", "edit the schema by hand")


def _parse_schema(text: str) -> schema_pb2.Schema:
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        raise UsageError(f"the curated schema cannot be read: {error}", "fix it") from error


def _feature_name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return ".".join(feature.path.step) or feature.name


def _quoted(value: str) -> str:
    return '"' + text_format.text_encoding.CEscape(value, as_utf8=True) + '"'
