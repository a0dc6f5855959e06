"""Suggestions for misspelt names in error messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest_names(unknown: str, known: Iterable[str]) -> str:
    """Return `did you mean ...?` with the names similar to `unknown`, or a list of all known names."""
    known = sorted(known)
    by_letters = {name.casefold(): name for name in known}  # so that `auc` matches `AUC`
    close = [by_letters[found] for found in difflib.get_close_matches(unknown.casefold(), by_letters, n=3)]
    return f"did you mean {' or '.join(close)}?" if close else f"there is: {', '.join(known) or 'nothing'}"
