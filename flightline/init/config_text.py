"""Render configs/NAME.yaml: everything that a run needs, with comments that give the reasons."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import yaml

from flightline.init.model_section import render_model_section
from flightline.init.profile import ColumnProfile, TableProfile
from flightline.init.thresholds import propose_thresholds
from flightline.init.unreadable_lines import MAX_UNREADABLE_SHARE

_COMMENT_WIDTH = 116
_CODE_VALUE_COUNTS = range(3, 21)  # so few distinct whole numbers may be codes
_SLICE_VALUE_COUNTS = range(2, 11)
_MIN_SLICE_ROWS = 30  # evaluation rows of the rarest value
_MAX_SLICES = 3
_MAX_NAMED_COLUMNS = 8


def render_config(profile: TableProfile, name: str, location: tuple[str, str]) -> str:
    """The config of the pipeline `name`; `location` is (data.input, data.pattern)."""
    parts = [
        _render_header(profile, name),
        _render_label(profile, name),
        _render_data(profile, location),
        _render_gate(profile),
        _render_features(profile),
        _render_evaluation(profile),
        _FOOTER.format(label=_comment_value(profile.label.name), latency=max(100, len(profile.used))),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def yaml_scalar(value: object) -> str:
    """A value as YAML, on one line."""
    text = yaml.safe_dump(
        value, allow_unicode=True, width=math.inf, default_style='"' if isinstance(value, str) else None
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _render_header(profile: TableProfile, name: str) -> str:
    table = profile.table
    rows = f"{table.rows:,} rows" if table.complete else f"the first {table.rows:,} rows"
    text = (
        f"Proposed by `flightline init` from {rows} x {len(table.columns)} columns of "
        f"{_comment_value(table.files[0])}. Read it and edit it as you like. To change a value for one run: "
        "--set train.epochs=4. Unknown keys are rejected."
    )
    workspace = "workspace: workspace             # the folder for everything that runs produce"
    return f"{_wrap_comment(text)}\n\nname: {name}\n{workspace}"


def _render_label(profile: TableProfile, name: str) -> str:
    target = profile.target
    lines = [
        _wrap_comment(f"Task: {target.task}, because the label has {target.why}. {_describe_label_values(profile)}")
    ]
    lines.append(f"label: {yaml_scalar(target.label)}")
    if target.task == "multiclass":
        classes = ", ".join(yaml_scalar(_to_python_scalar(value)) for value in target.classes)
        lines.append(f"task: multiclass\nclasses: [{classes}]")
    elif target.task == "regression":
        lines.append("task: regression")
    elif target.classes:
        positive = yaml_scalar(_to_python_scalar(target.positive))
        lines.append(f"positive_label: {positive}   # the positive class, 1; the other value is 0")
    lines.append(f"schema: schema/{name}.pbtxt")
    return "\n".join(lines)


def _to_python_scalar(value: Any) -> Any:
    """A label value as a Python scalar; numpy has whole numbers as floats."""
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def _describe_label_values(profile: TableProfile) -> str:
    target = profile.target
    if target.task == "regression":
        lowest, highest = (_comment_value(float(profile.label.values[index])) for index in (0, -1))
        return f"Its values range from {lowest} to {highest}. The model predicts the expected value."
    shares = ", ".join(
        f"{_comment_value(value)} {count / profile.labelled:.1%}"
        for value, count in zip(profile.label.values, profile.label.counts, strict=True)
    )
    predicted = "each" if target.task == "multiclass" else _comment_value(target.positive)
    return f"Its values: {shares}. The model predicts the probability of {predicted}."


def _render_data(profile: TableProfile, location: tuple[str, str]) -> str:
    markers = profile.table.missing
    comment = "   # cells that count as empty, in every column"
    return (
        f"data:\n  input: {yaml_scalar(location[0])}\n  pattern: {yaml_scalar(location[1])}\n"
        + (f"  missing_values: [{', '.join(map(yaml_scalar, markers))}]{comment}\n" if markers else "")
        + "  # Two thirds of the rows are for training, one third for evaluation, chosen by a hash of the row.\n"
        "  # If new data arrive over time, and the model is to predict the future, see docs/continuous-training.md.\n"
        "  splits: {train: 2, eval: 1}"
    )


def _render_gate(profile: TableProfile) -> str:
    unreadable = profile.table.unreadable
    unparsable = min(MAX_UNREADABLE_SHARE, _reject_limit(unreadable.share, 0.001))
    missing = profile.label.missing / profile.table.rows
    first = unreadable.first
    example = f", the first is line {first.line}: {_comment_value(first.detail)}" if first else ""
    unlabelled = f"{profile.label.missing:,} rows have no label; they are counted and written to a file"
    return (
        "gate:                             # a run stops if a larger share of the rows is rejected\n"
        f"  max_rejected:\n    unparsable: {unparsable}"
        f"             # {unreadable.count:,} lines could not be read{example}\n"
        f"    missing_label: {_reject_limit(missing, 0.01)}          # {unlabelled}"
    )


def _reject_limit(share: float, lowest: float) -> float:
    """One and a half times the observed share, rounded up."""
    return min(1.0, max(lowest, math.ceil(share * 1500) / 1000))


def _render_features(profile: TableProfile) -> str:
    lines = ["features:"]
    if profile.excluded:
        lines += [
            "  # Columns that the model does not use, with the evidence. To use a column, delete its line. A leak is a",
            "  # column that is known only together with the label; check that for every column that is strong alone.",
            "  exclude:",
        ]
        lines += [
            f"    - {yaml_scalar(item.name)}  # {item.role.reason}: {item.role.evidence}" for item in profile.excluded
        ]
    strong = [item for item in profile.used if item.association and item.association.strong]
    if strong:
        lines.append(
            _wrap_comment(
                f"Strong alone; are they known before the label? {_list_columns(strong, measure=True)}", "  # "
            )
        )
    lines += [
        _wrap_comment(f"{_comment_value(item.name)}: {item.role.evidence}.", "  # ")
        for item in profile.used
        if item.role.evidence
    ]
    few = [item for item in profile.used if item.column.kind == "int" and item.column.distinct in _CODE_VALUE_COUNTS]
    if few:
        lines.append(
            _wrap_comment(
                f"Whole numbers with few values. If they are codes, add them here: {_list_columns(few)}", "  # "
            )
        )
    if few or any(item.column.has_leading_zeros for item in profile.used):
        lines.append("  categorical: []")
    if not profile.small and all(line.lstrip().startswith("#") for line in lines[1:]):
        lines[0] = "features: {}"  # only comments follow
    return "\n".join([*lines, render_model_section(profile)])


def _list_columns(columns: list[ColumnProfile], measure: bool = False) -> str:
    shown = [
        _comment_value(item.name)
        + (f" ({item.association.measure} {item.association.value:.3f})" if measure and item.association else "")
        for item in columns[:_MAX_NAMED_COLUMNS]
    ]
    more = f" and {len(columns) - _MAX_NAMED_COLUMNS} more" if len(columns) > _MAX_NAMED_COLUMNS else ""
    return ", ".join(shown) + more


def _render_evaluation(profile: TableProfile) -> str:
    lines = ["evaluation:                       # a model that misses a threshold is not released"]
    slices = _choose_slices(profile)
    columns = ", ".join(f"[{yaml_scalar(name)}]" for name in slices)
    lines.append(f"  slices: [{columns}]   # metrics are also computed for each value of these columns")
    lines.append("  thresholds:")
    for threshold in propose_thresholds(profile):
        bounds = ", ".join(f"{key}: {yaml_scalar(value)}" for key, value in threshold.bounds.items())
        lines += [_wrap_comment(f"{threshold.why}.", "    # "), f"    {threshold.metric}: {{{bounds}}}"]
    if "vs_champion" in bounds or len(lines) > 3:
        lines.append(
            "  # vs_champion: how much worse than the released model a new one may be, from the second release on."
        )
    return "\n".join(lines) + "\n"


def _choose_slices(profile: TableProfile) -> list[str]:
    """Categories with enough evaluation rows for every value."""
    share = profile.eval_rows / profile.table.rows
    suitable = [
        item.name
        for item in profile.used
        if item.role.use == "category"
        and item.column.distinct in _SLICE_VALUE_COUNTS
        and int(item.column.counts.min()) * share >= _MIN_SLICE_ROWS
    ]
    return suitable[:_MAX_SLICES]


_FOOTER = """\
serving_check:                    # the exported model is tested in a separate process before it is released
  examples: 200                   # evaluation rows to predict, without their labels
  latency_ms: {latency}                 # largest 99th percentile for requests of one row

model_card:                          # the model card in the report; fill it in
  owners: ""
  contact: ""
  intended_use: ""                # why {label} is predicted, and who uses the prediction
  limits: ""                      # where the model must not be used
"""


def _comment_value(value: object) -> str:
    """A value for a comment: on one line, quoted if it has special characters."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if text.isprintable() and text and "#" not in text and len(text) <= 80 else repr(text[:80])


def _wrap_comment(text: str, indent: str = "# ") -> str:
    return textwrap.fill(text, _COMMENT_WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
