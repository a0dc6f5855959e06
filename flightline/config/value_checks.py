"""Rejects values that fit their type but are never meant: `true` for a number, NaN, infinity, huge numbers, NULs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flightline.errors import ConfigError

_MAX_INT64 = 2**63 - 1


def check_values(raw: Any, validated: Any, source: str) -> None:
    """Compare the values of a config with what validation made of them.

    Args:
        raw: as it was read.
        validated: the validated config, as plain values.
        source: the file's name, for the message.

    Raises:
        ConfigError: naming the first key with such a value.
    """
    for key, before, after in _paired_values(raw, validated):
        if problem := _value_problem(before, after):
            raise ConfigError(f"{source}: {key}: {problem}", f"fix {source}, or the --set that changed it")


def _paired_values(raw: Any, validated: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (key, raw value, validated value) for each value of the config."""
    if isinstance(raw, Mapping) and isinstance(validated, Mapping):
        for key, value in raw.items():
            yield f"{path}{key}", None, str(key)
            yield from _paired_values(value, validated.get(key), f"{path}{key}.")
    elif isinstance(raw, list | tuple) and isinstance(validated, list | tuple):
        for number, pair in enumerate(zip(raw, validated, strict=False)):
            yield from _paired_values(*pair, f"{path}{number}.")
    else:
        yield path.removesuffix("."), raw, validated


def _value_problem(raw: Any, validated: Any) -> str:
    if isinstance(raw, bool) and not isinstance(validated, bool):
        return f"got {raw}; YAML reads yes, no, on, off as true and false: in quotes they are text"
    if isinstance(raw, bytes):
        return "it is binary: write text"
    if isinstance(validated, float) and not math.isfinite(validated):
        return f"{validated} is not a finite number"
    if isinstance(validated, int) and abs(validated) > _MAX_INT64:
        return f"a number of {len(str(validated)) if validated < 10**1000 else 'very many'} digits is beyond 64 bits"
    if isinstance(validated, str | Path) and "\0" in str(validated):
        return "it contains a NUL character"
    return ""
