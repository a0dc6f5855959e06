"""The tail of an error message: which name was likely meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggest_names(unknown: str, known: Iterable[str]) -> str:
    """The tail of an error message: the close matches of a name, or all that there is."""
    known = sorted(known)
    by_letters = {name.casefold(): name for name in known}  # `auc` is meant for `AUC`
    close = [by_letters[found] for found in difflib.get_close_matches(unknown.casefold(), by_letters, n=3)]
    return f"did you mean {' or '.join(close)}?" if close else f"there is: {', '.join(known) or 'nothing'}"
