"""Render schema/NAME.pbtxt: the allowed values of each column, with comments that describe the table."""

from __future__ import annotations

from google.protobuf import text_format

from flightline.init.column_roles import format_value
from flightline.init.domains import NumericRange, ValueSet, min_presence, propose_domain
from flightline.init.drift_comparators import (
    MIN_OUTLIER_THRESHOLD,
    MIN_THRESHOLDS,
    NOISE_MARGIN,
    Comparator,
    propose_comparator,
)
from flightline.init.profile import ColumnProfile, TableProfile
from flightline.init.table_reader import Column
from flightline.serving.input_feature import ColumnType

_SCHEMA_TYPES: dict[ColumnType | None, str] = {"int": "INT", "float": "FLOAT", "bytes": "BYTES", None: "BYTES"}
_OPEN_DOMAIN_MIN_MASS = 0.8
_NO_COMPARATOR_COMMENT = (
    "# No drift_comparator: with few rows or with outliers, random changes are as large as real drift."
)


_HEADER = """\
# The data contract of pipeline {name}. Proposed by `flightline init` from {rows:,} rows of {file}.
# Edit it as you like. ExampleValidator checks it, the data gate stops a run that violates it (exit code 3), and the
# server rejects requests that violate it.
#
# - `shape`: every row has a value. Without it, at least `min_fraction` of the rows have a value.
# - Number domains are the observed range plus half of it on either side, but not below 0 if no value is. Replace them
#   by what is possible, such as 0 to 120.
# - `min_domain_mass`: at least this share of the rows has one of the listed values; the others may be new. Without it,
#   a new value stops the run, and `flightline schema propose` shows the edit that allows it.
# - `drift_comparator`: the distance from which a column has drifted: the Jensen-Shannon divergence of numbers, the
#   largest difference in the share of one text (L-infinity); 0 for equal, 1 for disjoint distributions. `flightline
#   monitor` compares requests with the training data and with the previous window; with new data over time (`window:`
#   in the config), the data gate compares each span with the previous one. The proposal is {margin:g} times the
#   largest distance between random samples of these rows, at least {number:g}, for texts {text:g}, and {far:g} for
#   numbers whose outliers determine the compared bins. Seasons may change more than that; see docs/gate.md.

default_environment: "TRAINING"
default_environment: "SERVING"
"""


def render_schema(profile: TableProfile, name: str) -> str:
    """The schema of every column of the table, the label first."""
    file = profile.table.files[0] + (f" and {len(profile.table.files) - 1} more" if profile.table.files[1:] else "")
    head = {"name": name, "rows": profile.table.rows, "file": " ".join(file.split()), "margin": NOISE_MARGIN}
    blocks = [
        _HEADER.format(
            **head,
            number=MIN_THRESHOLDS["jensen_shannon_divergence"],
            text=MIN_THRESHOLDS["infinity_norm"],
            far=MIN_OUTLIER_THRESHOLD,
        )
    ]
    blocks.append(_render_label(profile))
    blocks += [_render_feature(one) for one in profile.features]
    return "\n".join(blocks)


def _render_label(profile: TableProfile) -> str:
    column, target = profile.label, profile.target
    comment = f"# The label: {target.why}. Requests do not have it."
    lines = [
        f"name: {quote_pbtxt(column.name)}",
        f"type: {_SCHEMA_TYPES[column.kind]}",
        *_render_presence(None),
        *_REQUIRED_SHAPE,
    ]
    lines.append('not_in_environment: "SERVING"')
    if target.task == "regression":
        lines += _render_domain(column, propose_domain(column))[0]
    elif column.is_number:
        lines += _render_range(column, NumericRange(float(column.values[0]), float(column.values[-1])))
    else:
        lines.append(f"domain: {quote_pbtxt(column.name)}")
        return _render_block(comment, lines) + "\n" + _render_string_domain(column.name, tuple(column.values.tolist()))
    return _render_block(comment, lines)


def _render_feature(profile: ColumnProfile) -> str:
    column = profile.column
    lines = [f"name: {quote_pbtxt(column.name)}", f"type: {_SCHEMA_TYPES[column.kind]}"]
    if profile.role.use == "excluded":
        comment = f"# Not used by the model ({profile.role.reason}: {profile.role.evidence}), so any value is allowed."
        return _render_block(comment, [*lines, "presence {", "  min_fraction: 0.0", "  min_count: 0", "}"])
    lines += (
        [*_render_presence(min_presence(column)), *_OPTIONAL_VALUE_COUNT]
        if column.missing
        else [*_render_presence(None), *_REQUIRED_SHAPE]
    )
    domain, below = _render_domain(column, propose_domain(column))
    comparator = propose_comparator(column)
    comment = f"# {_describe_values(column)}" + ("" if comparator else f"\n{_NO_COMPARATOR_COMMENT}")
    return _render_block(comment, [*lines, *domain, *_render_comparator(comparator)]) + below


def _render_comparator(comparator: Comparator | None) -> list[str]:
    if comparator is None:
        return []
    return [
        "drift_comparator {",
        f"  {comparator.measure} {{",
        f"    threshold: {comparator.threshold:g}",
        "  }",
        "}",
    ]


def _describe_values(column: Column) -> str:
    missing = f"; {column.missing / column.rows:.1%} of the rows have no value" if column.missing else ""
    if column.is_number:
        kind = "Whole numbers" if column.kind == "int" else "Numbers"
        return f"{kind}, {format_value(column.values[0])} to {format_value(column.values[-1])}{missing}."
    most_frequent = column.values[int(column.counts.argmax())]
    return f"Text, {column.distinct:,} values, the most frequent is {format_value(most_frequent)}{missing}."


_REQUIRED_SHAPE = ("shape {", "  dim {", "    size: 1", "  }", "}")
_OPTIONAL_VALUE_COUNT = ("value_count {", "  max: 1", "}")


def _render_presence(min_fraction: float | None) -> list[str]:
    fraction, count = (1.0, 1) if min_fraction is None else (min_fraction, 0 if min_fraction == 0 else 1)
    return ["presence {", f"  min_fraction: {fraction}", f"  min_count: {count}", "}"]


def _render_domain(column: Column, domain: NumericRange | ValueSet | None) -> tuple[list[str], str]:
    """The lines within the feature, and the text after it."""
    if isinstance(domain, NumericRange):
        return _render_range(column, domain), ""
    if domain is None:
        return [], ""
    lines = [f"domain: {quote_pbtxt(column.name)}"]
    if not domain.closed:
        lines += ["distribution_constraints {", f"  min_domain_mass: {_OPEN_DOMAIN_MIN_MASS}", "}"]
    return lines, "\n" + _render_string_domain(column.name, domain.values)


def _render_range(column: Column, domain: NumericRange) -> list[str]:
    if column.kind == "int":
        return ["int_domain {", f"  min: {domain.low:.0f}", f"  max: {domain.high:.0f}", "}"]
    return ["float_domain {", f"  min: {domain.low!r}", f"  max: {domain.high!r}", "}"]


def _render_string_domain(name: str, values: tuple[str, ...]) -> str:
    return _render_block(
        "", [f"name: {quote_pbtxt(name)}", *(f"value: {quote_pbtxt(value)}" for value in values)], "string_domain"
    )


def _render_block(comment: str, lines: list[str], kind: str = "feature") -> str:
    body = "".join(f"  {line}\n" for line in lines)
    return f"{comment}\n{kind} {{\n{body}}}\n".lstrip("\n")


def quote_pbtxt(text: str) -> str:
    """A text, quoted for text_format."""
    return '"' + text_format.text_encoding.CEscape(text, as_utf8=True) + '"'
