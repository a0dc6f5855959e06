"""Warnings about a table that should be checked before the proposal is used."""

from __future__ import annotations

import shlex

from flightline.init.profile import TableProfile
from flightline.init.table_reader import MISSING_MARKERS

_MIN_EVAL_ROWS_PER_CLASS = 10


def data_warnings(profile: TableProfile) -> list[str]:
    """The warnings, the most serious first."""
    return [
        *_warn_unreadable_lines(profile),
        *_warn_duplicate_classes(profile),
        *_warn_missing_marker_classes(profile),
        *_warn_rare_class(profile),
    ]


def _warn_unreadable_lines(profile: TableProfile) -> list[str]:
    unreadable = profile.table.unreadable
    return [f"{unreadable.summary}; runs will reject them. {unreadable.advice}"] if unreadable.count else []


def _warn_duplicate_classes(profile: TableProfile) -> list[str]:
    """Classes that differ only in case or spaces."""
    texts_by_normal_form: dict[str, list[str]] = {}
    for text in profile.label.values if profile.label.kind == "bytes" else ():
        texts_by_normal_form.setdefault(" ".join(text.split()).casefold(), []).append(text)
    return [
        f"the label has {' and '.join(map(repr, texts))}, which differ only in case or spaces: they are separate "
        "classes until the file has the same text for both"
        for texts in texts_by_normal_form.values()
        if len(texts) > 1
    ]


def _warn_missing_marker_classes(profile: TableProfile) -> list[str]:
    """Classes that may mean that there is no label."""
    label = profile.label
    if label.kind != "bytes":
        return []
    return [
        f"the label has {text!r} as a class ({count:,} rows): if it means that there is no label, run init again with "
        f"--missing-value {shlex.quote(text)}"
        for text, count in zip(label.values, label.counts, strict=True)
        if text.strip() in MISSING_MARKERS
    ]


def _warn_rare_class(profile: TableProfile) -> list[str]:
    rows = min(profile.target.rates, default=1.0) * profile.eval_rows
    if rows >= _MIN_EVAL_ROWS_PER_CLASS:
        return []
    return [f"the rarest class has only about {rows:.0f} evaluation rows, so its metrics will be imprecise"]
