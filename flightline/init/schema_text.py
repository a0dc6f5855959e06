"""schema/N.pbtxt: what a table may hold, a field a line, with comments that say what was seen."""

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
    "# No drift_comparator: few rows, or a few values far out, and chance alone moves it farther than could tell."
)


_HEADER = """\
# The contract of pipeline {name}: what a delivery may hold. Proposed by `flightline init` from {rows:,} rows of
# {file}; from now on it is yours.
# ExampleValidator checks it, the data gate stops a run that breaks it (exit code 3), the server refuses such requests.
#
# - `shape`: the column is there in every row. Without it, at least `min_fraction` of the rows have a value.
# - Domains are proposed from what was seen, with half of the range to spare, and not below 0 where nothing seen is:
#   write what is possible, such as 0 to 120.
# - `min_domain_mass`: this share of the rows has one of the listed values; the others may be new. Without it, a new
#   value stops the run, and `flightline schema propose` shows the edit that lets it in.
# - `drift_comparator`: from which distance on a column has moved, by the Jensen-Shannon divergence of numbers and the
#   largest difference in the share of one text (L-infinity); 0 is the same, 1 has nothing in common. `flightline
#   monitor` holds what is asked for against the training data and the window before; where deliveries come one by one
#   (`window:` in the config), the data gate holds each against the one before. Proposed is {margin:g} times the
#   farthest that chance moved these rows, and at least {number:g}, of a text {text:g}, and {far:g} where a few
#   numbers far out set the bins that are compared. A season may move more than chance: docs/gate.md.

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
    comment = f"# The label: {target.why}. Not there when the model is served."
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


def _render_feature(looked: ColumnProfile) -> str:
    column = looked.column
    lines = [f"name: {quote_pbtxt(column.name)}", f"type: {_SCHEMA_TYPES[column.kind]}"]
    if looked.role.use == "excluded":
        comment = f"# The model does not see it ({looked.role.reason}: {looked.role.evidence}). Nothing is asked of it."
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
    missing = f"; {column.missing / column.rows:.1%} of the rows have none" if column.missing else ""
    if column.is_number:
        kind = "Whole numbers" if column.kind == "int" else "Numbers"
        return f"{kind}, {format_value(column.values[0])} to {format_value(column.values[-1])}{missing}."
    most = column.values[int(column.counts.argmax())]
    return f"Text, {column.distinct:,} values, most often {format_value(most)}{missing}."


_REQUIRED_SHAPE = ("shape {", "  dim {", "    size: 1", "  }", "}")
_OPTIONAL_VALUE_COUNT = ("value_count {", "  max: 1", "}")


def _render_presence(least: float | None) -> list[str]:
    fraction, count = (1.0, 1) if least is None else (least, 0 if least == 0 else 1)
    return ["presence {", f"  min_fraction: {fraction}", f"  min_count: {count}", "}"]


def _render_domain(column: Column, domain: NumericRange | ValueSet | None) -> tuple[list[str], str]:
    """Lines within the feature, and what stands after it."""
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
    """A text as text_format reads it back."""
    return '"' + text_format.text_encoding.CEscape(text, as_utf8=True) + '"'
