"""configs/N.yaml: everything a run needs, with comments that say why each value is what it is."""

from __future__ import annotations

import math
import textwrap
from typing import Any

import yaml

from pipeline.init.profile import Looked, Profile
from pipeline.init.recipe import recipe
from pipeline.init.thresholds import thresholds_of
from pipeline.init.unreadable import MOST

_WIDTH = 116
_FEW_NUMBERS = range(3, 21)  # distinct whole numbers that may be names
_SLICE_VALUES = range(2, 11)
_SLICE_ROWS = 30  # of the rarest value, among those that judge
_MOST_SLICES = 3
_MOST_NAMED = 8


def config_text(profile: Profile, name: str, place: tuple[str, str]) -> str:
    """The config of a pipeline called `name` whose files are at `place` (input, pattern)."""
    parts = [
        _head(profile, name),
        _label(profile, name),
        _data(profile, place),
        _gate(profile),
        _features(profile),
        _evaluation(profile),
        _TAIL.format(label=_comment(profile.label.name), latency=max(100, len(profile.used))),
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def scalar(value: object) -> str:
    """A value as YAML reads it back, on one line."""
    text = yaml.safe_dump(
        value, allow_unicode=True, width=math.inf, default_style='"' if isinstance(value, str) else None
    )
    return text.removesuffix("\n").removesuffix("\n...")


def _head(profile: Profile, name: str) -> str:
    table = profile.table
    seen = f"{table.rows:,} rows" if table.whole else f"the first {table.rows:,} rows"
    text = (
        f"Proposed by `flightline init` from {seen} x {len(table.columns)} columns of {_comment(table.files[0])}. From "
        f"now on it is yours: read it once. Any value can be set for one run: --set train.epochs=4. "
        f"A key that does not exist is refused."
    )
    return f"{_wrapped(text)}\n\nname: {name}\nworkspace: workspace             # everything a run makes lives below it"


def _label(profile: Profile, name: str) -> str:
    target = profile.target
    lines = [_wrapped(f"Task: {target.task}, because the label has {target.why}. {_said_of_classes(profile)}")]
    lines.append(f"label: {scalar(target.label)}")
    if target.task == "multiclass":
        lines.append(f"task: multiclass\nclasses: [{', '.join(scalar(_plain(value)) for value in target.classes)}]")
    elif target.task == "regression":
        lines.append("task: regression")
    elif target.classes:
        lines.append(f"positive: {scalar(_plain(target.positive))}   # counts as 1, the other as 0")
    lines.append(f"schema: schema/{name}.pbtxt")
    return "\n".join(lines)


def _plain(value: Any) -> Any:
    """A value of a label as YAML knows it: numbers come from numpy, whole ones as floats."""
    if isinstance(value, str):
        return value
    return int(value) if float(value).is_integer() else float(value)


def _said_of_classes(profile: Profile) -> str:
    target = profile.target
    if target.task == "regression":
        least, most = (_comment(float(profile.label.values[place])) for place in (0, -1))
        return f"Its values go from {least} to {most}. The model says the mean of what a row's label may be."
    shares = ", ".join(
        f"{_comment(value)} {count / profile.labelled:.1%}"
        for value, count in zip(profile.label.values, profile.label.counts, strict=True)
    )
    said = "each" if target.task == "multiclass" else _comment(target.positive)
    return f"Its values: {shares}. The model says the probability of {said}."


def _data(profile: Profile, place: tuple[str, str]) -> str:
    marks = profile.table.missing
    told = "   # such a cell is taken for an empty one, in every column"
    return (
        f"data:\n  input: {scalar(place[0])}\n  pattern: {scalar(place[1])}\n"
        + (f"  missing: [{', '.join(map(scalar, marks))}]{told}\n" if marks else "")
        + "  # Two thirds of the rows teach, a third judges, by a hash of the row: a row is always on the same side.\n"
        "  # Where rows come in time and the past is to tell the future, read docs/continuous.md.\n"
        "  splits: {train: 2, eval: 1}"
    )


def _gate(profile: Profile) -> str:
    bad = profile.table.unreadable
    unparsable = min(MOST, _leeway(bad.share, 0.001))
    missing = profile.label.missing / profile.table.rows
    first = f", the first line {bad.first.line}: {_comment(bad.first.detail)}" if bad.first else ""
    none = f"{profile.label.missing:,} rows have no label: set aside, counted, kept in a file"
    return (
        "gate:                             # largest share of the rows that may be set aside before a run is stopped\n"
        f"  max_rejected:\n    unparsable: {unparsable}"
        f"             # {bad.count:,} lines could not be read{first}\n"
        f"    missing_label: {_leeway(missing, 0.01)}          # {none}"
    )


def _leeway(share: float, least: float) -> float:
    """Half as much again as was seen, rounded up."""
    return min(1.0, max(least, math.ceil(share * 1500) / 1000))


def _features(profile: Profile) -> str:
    lines = ["features:"]
    if profile.excluded:
        lines += [
            "  # What the model does not see, and the evidence. Where you know better, take the line away: the column",
            "  # is then used. A leak is known only once the label is: ask that of every column that is strong, too.",
            "  exclude:",
        ]
        lines += [f"    - {scalar(one.name)}  # {one.role.reason}: {one.role.evidence}" for one in profile.excluded]
    strong = [one for one in profile.used if one.association and one.association.strong]
    if strong:
        lines.append(
            _wrapped(f"Strong by themselves; known before the label is? {_named(strong, measure=True)}", "  # ")
        )
    lines += [
        _wrapped(f"{_comment(one.name)}: {one.role.evidence}.", "  # ") for one in profile.used if one.role.evidence
    ]
    few = [one for one in profile.used if one.column.kind == "int" and one.column.distinct in _FEW_NUMBERS]
    if few:
        lines.append(
            _wrapped(f"Whole numbers with few values. Codes, not amounts? Name them here: {_named(few)}", "  # ")
        )
    if few or any(one.column.padded for one in profile.used):
        lines.append("  categorical: []")
    if not profile.small and all(line.lstrip().startswith("#") for line in lines[1:]):
        lines[0] = "features: {}"  # what follows are comments alone
    return "\n".join([*lines, recipe(profile)])


def _named(columns: list[Looked], measure: bool = False) -> str:
    shown = [
        _comment(one.name)
        + (f" ({one.association.measure} {one.association.value:.3f})" if measure and one.association else "")
        for one in columns[:_MOST_NAMED]
    ]
    more = f" and {len(columns) - _MOST_NAMED} more" if len(columns) > _MOST_NAMED else ""
    return ", ".join(shown) + more


def _evaluation(profile: Profile) -> str:
    lines = ["evaluation:                       # what the model is judged by; what misses a threshold is not released"]
    slices = _slices(profile)
    lines.append(
        f"  slices: [{', '.join(f'[{scalar(name)}]' for name in slices)}]   # every metric for each value of these, too"
    )
    lines.append("  thresholds:")
    for threshold in thresholds_of(profile):
        bounds = ", ".join(f"{key}: {scalar(value)}" for key, value in threshold.bounds.items())
        lines += [_wrapped(f"{threshold.why}.", "    # "), f"    {threshold.metric}: {{{bounds}}}"]
    if "vs_champion" in bounds or len(lines) > 3:
        lines.append("  # vs_champion: what a new model may lose against the released one; the first release has none.")
    return "\n".join(lines) + "\n"


def _slices(profile: Profile) -> list[str]:
    """Categories whose every value has rows enough to be judged by itself."""
    share = profile.eval_rows / profile.table.rows
    fit = [
        one.name
        for one in profile.used
        if one.role.use == "category"
        and one.column.distinct in _SLICE_VALUES
        and int(one.column.counts.min()) * share >= _SLICE_ROWS
    ]
    return fit[:_MOST_SLICES]


_TAIL = """\
serving_check:                    # the exported model, in a process of its own, before it may be released
  examples: 200                   # rows replayed without their label
  latency_ms: {latency}                 # one request of one row, 99th percentile

card:                             # what the report says of the model beside what it measures; say it in your words
  owners: ""
  contact: ""
  intended_use: ""                # what {label} is predicted for, and who acts on it
  limits: ""                      # where the model must not be used
"""


def _comment(value: object) -> str:
    """A value within a comment: quoted where it has anything odd, always on one line."""
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if text.isprintable() and text and "#" not in text and len(text) <= 80 else repr(text[:80])


def _wrapped(text: str, indent: str = "# ") -> str:
    return textwrap.fill(text, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)
