"""configs/N.yaml: everything a run needs, with comments that say why each value is what it is."""

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
_CODE_VALUE_COUNTS = range(3, 21)  # distinct whole numbers that may be names
_SLICE_VALUE_COUNTS = range(2, 11)
_MIN_SLICE_ROWS = 30  # of the rarest value, among those that judge
_MAX_SLICES = 3
_MAX_NAMED_COLUMNS = 8


def render_config(profile: TableProfile, name: str, place: tuple[str, str]) -> str:
    """The config of a pipeline called `name` whose files are at `place` (input, pattern)."""
    parts = [
        _render_header(profile, name),
        _render_label(profile, name),
        _render_data(profile, place),
        _render_gate(profile),
        _render_features(profile),
        _render_evaluation(profile),
        _FOOTER.format(label=_comment_value(profile.label.name), latency=max(100, len(profile.used))),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def yaml_scalar(value: object) -> str:
    """A value as YAML reads it back, on one line."""
    text = yaml.safe_dump(
        value, allow_unicode=True, width=math.inf, default_style='"' if isinstance(value, str) else None
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _render_header(profile: TableProfile, name: str) -> str:
    table = profile.table
    seen = f"{table.rows:,} rows" if table.whole else f"the first {table.rows:,} rows"
    text = (
        f"Proposed by `flightline init` from {seen} x {len(table.columns)} columns of {_comment_value(table.files[0])}. From "
        f"now on it is yours: read it once. Any value can be set for one run: --set train.epochs=4. "
        f"A key that does not exist is refused."
    )
    return f"{_wrap_comment(text)}\n\nname: {name}\nworkspace: workspace             # everything a run makes lives below it"


def _render_label(profile: TableProfile, name: str) -> str:
    target = profile.target
    lines = [
        _wrap_comment(f"Task: {target.task}, because the label has {target.why}. {_describe_label_values(profile)}")
    ]
    lines.append(f"label: {yaml_scalar(target.label)}")
    if target.task == "multiclass":
        lines.append(
            f"task: multiclass\nclasses: [{', '.join(yaml_scalar(_to_python_scalar(value)) for value in target.classes)}]"
        )
    elif target.task == "regression":
        lines.append("task: regression")
    elif target.classes:
        lines.append(
            f"positive_label: {yaml_scalar(_to_python_scalar(target.positive))}   # counts as 1, the other as 0"
        )
    lines.append(f"schema: schema/{name}.pbtxt")
    return "\n".join(lines)


def _to_python_scalar(value: Any) -> Any:
    """A value of a label as YAML knows it: numbers come from numpy, whole ones as floats."""
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def _describe_label_values(profile: TableProfile) -> str:
    target = profile.target
    if target.task == "regression":
        least, most = (_comment_value(float(profile.label.values[place])) for place in (0, -1))
        return f"Its values go from {least} to {most}. The model says the mean of what a row's label may be."
    shares = ", ".join(
        f"{_comment_value(value)} {count / profile.labelled:.1%}"
        for value, count in zip(profile.label.values, profile.label.counts, strict=True)
    )
    said = "each" if target.task == "multiclass" else _comment_value(target.positive)
    return f"Its values: {shares}. The model says the probability of {said}."


def _render_data(profile: TableProfile, place: tuple[str, str]) -> str:
    marks = profile.table.missing
    told = "   # such a cell is taken for an empty one, in every column"
    return (
        f"data:\n  input: {yaml_scalar(place[0])}\n  pattern: {yaml_scalar(place[1])}\n"
        + (f"  missing_values: [{', '.join(map(yaml_scalar, marks))}]{told}\n" if marks else "")
        + "  # Two thirds of the rows teach, a third judges, by a hash of the row: a row is always on the same side.\n"
        "  # Where rows come in time and the past is to tell the future, read docs/continuous.md.\n"
        "  splits: {train: 2, eval: 1}"
    )


def _render_gate(profile: TableProfile) -> str:
    bad = profile.table.unreadable
    unparsable = min(MAX_UNREADABLE_SHARE, _reject_limit(bad.share, 0.001))
    missing = profile.label.missing / profile.table.rows
    first = f", the first line {bad.first.line}: {_comment_value(bad.first.detail)}" if bad.first else ""
    none = f"{profile.label.missing:,} rows have no label: set aside, counted, kept in a file"
    return (
        "gate:                             # largest share of the rows that may be set aside before a run is stopped\n"
        f"  max_rejected:\n    unparsable: {unparsable}"
        f"             # {bad.count:,} lines could not be read{first}\n"
        f"    missing_label: {_reject_limit(missing, 0.01)}          # {none}"
    )


def _reject_limit(share: float, least: float) -> float:
    """Half as much again as was seen, rounded up."""
    return min(1.0, max(least, math.ceil(share * 1500) / 1000))


def _render_features(profile: TableProfile) -> str:
    lines = ["features:"]
    if profile.excluded:
        lines += [
            "  # What the model does not see, and the evidence. Where you know better, take the line away: the column",
            "  # is then used. A leak is known only once the label is: ask that of every column that is strong, too.",
            "  exclude:",
        ]
        lines += [
            f"    - {yaml_scalar(one.name)}  # {one.role.reason}: {one.role.evidence}" for one in profile.excluded
        ]
    strong = [one for one in profile.used if one.association and one.association.strong]
    if strong:
        lines.append(
            _wrap_comment(
                f"Strong by themselves; known before the label is? {_list_columns(strong, measure=True)}", "  # "
            )
        )
    lines += [
        _wrap_comment(f"{_comment_value(one.name)}: {one.role.evidence}.", "  # ")
        for one in profile.used
        if one.role.evidence
    ]
    few = [one for one in profile.used if one.column.kind == "int" and one.column.distinct in _CODE_VALUE_COUNTS]
    if few:
        lines.append(
            _wrap_comment(
                f"Whole numbers with few values. Codes, not amounts? Name them here: {_list_columns(few)}", "  # "
            )
        )
    if few or any(one.column.has_leading_zeros for one in profile.used):
        lines.append("  categorical: []")
    if not profile.small and all(line.lstrip().startswith("#") for line in lines[1:]):
        lines[0] = "features: {}"  # what follows are comments alone
    return "\n".join([*lines, render_model_section(profile)])


def _list_columns(columns: list[ColumnProfile], measure: bool = False) -> str:
    shown = [
        _comment_value(one.name)
        + (f" ({one.association.measure} {one.association.value:.3f})" if measure and one.association else "")
        for one in columns[:_MAX_NAMED_COLUMNS]
    ]
    more = f" and {len(columns) - _MAX_NAMED_COLUMNS} more" if len(columns) > _MAX_NAMED_COLUMNS else ""
    return ", ".join(shown) + more


def _render_evaluation(profile: TableProfile) -> str:
    lines = ["evaluation:                       # what the model is judged by; what misses a threshold is not released"]
    slices = _choose_slices(profile)
    lines.append(
        f"  slices: [{', '.join(f'[{yaml_scalar(name)}]' for name in slices)}]   # every metric for each value of these, too"
    )
    lines.append("  thresholds:")
    for threshold in propose_thresholds(profile):
        bounds = ", ".join(f"{key}: {yaml_scalar(value)}" for key, value in threshold.bounds.items())
        lines += [_wrap_comment(f"{threshold.why}.", "    # "), f"    {threshold.metric}: {{{bounds}}}"]
    if "vs_champion" in bounds or len(lines) > 3:
        lines.append("  # vs_champion: what a new model may lose against the released one; the first release has none.")
    return "\n".join(lines) + "\n"


def _choose_slices(profile: TableProfile) -> list[str]:
    """Categories whose every value has rows enough to be judged by itself."""
    share = profile.eval_rows / profile.table.rows
    fit = [
        one.name
        for one in profile.used
        if one.role.use == "category"
        and one.column.distinct in _SLICE_VALUE_COUNTS
        and int(one.column.counts.min()) * share >= _MIN_SLICE_ROWS
    ]
    return fit[:_MAX_SLICES]


_FOOTER = """\
serving_check:                    # the exported model, in a process of its own, before it may be released
  examples: 200                   # rows replayed without their label
  latency_ms: {latency}                 # one request of one row, 99th percentile

model_card:                       # what the report says of the model beside what it measures; say it in your words
  owners: ""
  contact: ""
  intended_use: ""                # what {label} is predicted for, and who acts on it
  limits: ""                      # where the model must not be used
"""


def _comment_value(value: object) -> str:
    """A value within a comment: quoted where it has anything odd, always on one line."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if text.isprintable() and text and "#" not in text and len(text) <= 80 else repr(text[:80])


def _wrap_comment(text: str, indent: str = "# ") -> str:
    return textwrap.fill(text, _COMMENT_WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
