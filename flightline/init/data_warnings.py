"""What a person should look into before trusting what is said of a table."""

from __future__ import annotations

import shlex

from flightline.init.profile import TableProfile
from flightline.init.table_reader import MISSING_MARKERS

_MIN_EVAL_ROWS_PER_CLASS = 10


def data_warnings(profile: TableProfile) -> list[str]:
    """Each a sentence, the gravest first."""
    return [
        *_warn_unreadable_lines(profile),
        *_warn_duplicate_classes(profile),
        *_warn_missing_marker_classes(profile),
        *_warn_rare_class(profile),
    ]


def _warn_unreadable_lines(profile: TableProfile) -> list[str]:
    bad = profile.table.unreadable
    return [f"{bad.said}: nothing here speaks of them, and no run will; {bad.todo}"] if bad.count else []


def _warn_duplicate_classes(profile: TableProfile) -> list[str]:
    """Classes that are one, but for how they are written."""
    alike: dict[str, list[str]] = {}
    for text in profile.label.values if profile.label.kind == "bytes" else ():
        alike.setdefault(" ".join(text.split()).casefold(), []).append(text)
    return [
        f"the label has {' and '.join(map(repr, texts))}, which differ only in case or spaces: each is a class of its "
        "own until they are written alike in the file"
        for texts in alike.values()
        if len(texts) > 1
    ]


def _warn_missing_marker_classes(profile: TableProfile) -> list[str]:
    """Classes that stand for `no label`."""
    label = profile.label
    if label.kind != "bytes":
        return []
    return [
        f"the label has {text!r} as a class ({count:,} rows): if it means that there is no label, run init again with "
        f"--missing {shlex.quote(text)}"
        for text, count in zip(label.values, label.counts, strict=True)
        if text.strip() in MISSING_MARKERS
    ]


def _warn_rare_class(profile: TableProfile) -> list[str]:
    judged = min(profile.target.rates, default=1.0) * profile.eval_rows
    if judged >= _MIN_EVAL_ROWS_PER_CLASS:
        return []
    return [f"the rarest class has about {judged:.0f} rows to be judged on: the verdict will hang on them"]
