"""Values that a type lets pass and nobody means: `true` for a number, NaN, infinities, numbers beyond 64 bits, NULs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flightline.errors import ConfigError

_MAX_INT64 = 2**63 - 1


def check_values(given: Any, taken: Any, where: str) -> None:
    """Holds what a file said against what its validation made of it.

    Args:
        given: as it was read. taken: the validated config, as plain values. where: the file's name, for the message.

    Raises:
        ConfigError: naming the first key whose value is odd.
    """
    for key, before, after in _paired_values(given, taken):
        if problem := _value_problem(before, after):
            raise ConfigError(f"{where}: {key}: {problem}", f"mend {where} or the --set that says so")


def _paired_values(given: Any, taken: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(key, given, taken) of every value that was given."""
    if isinstance(given, Mapping) and isinstance(taken, Mapping):
        for key, value in given.items():
            yield f"{path}{key}", None, str(key)
            yield from _paired_values(value, taken.get(key), f"{path}{key}.")
    elif isinstance(given, list | tuple) and isinstance(taken, list | tuple):
        for number, pair in enumerate(zip(given, taken, strict=False)):
            yield from _paired_values(*pair, f"{path}{number}.")
    else:
        yield path.removesuffix("."), given, taken


def _value_problem(given: Any, taken: Any) -> str:
    if isinstance(given, bool) and not isinstance(taken, bool):
        return f"got {given}; YAML reads yes, no, on, off as true and false: in quotes they are text"
    if isinstance(given, bytes):
        return "it is binary: write it as text"
    if isinstance(taken, float) and not math.isfinite(taken):
        return f"{taken} is no number that anything can be held against"
    if isinstance(taken, int) and abs(taken) > _MAX_INT64:
        return f"a number of {len(str(taken)) if taken < 10**1000 else 'very many'} digits is beyond 64 bits"
    if isinstance(taken, str | Path) and "\0" in str(taken):
        return "it has a NUL in it"
    return ""
