"""What is done with hostile configs, as every command and every run does it: in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flightline.config.loader import check_against_data, dump_config, load_config
from flightline.errors import FlightlineError
from flightline.utils.safe_yaml import parse_yaml


def try_configs(made: Iterable[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    """As `use_config`, of (config, overrides), one after another."""
    return [try_config(*one) for one in made]


def try_config(config: str, overrides: list[str]) -> dict[str, Any]:
    """What was made of a config, its schema and its first file; or why it was refused, and with which exit code."""
    try:
        loaded = load_config(Path(config), overrides)
        files = check_against_data(loaded)
    except FlightlineError as error:
        return {"refused": str(error), "exit_code": error.exit_code}
    kept = parse_yaml(dump_config(loaded))  # what a run keeps, and what `reproduce` and `--resume` read back
    return {"accepted": type(loaded).model_validate(kept) == loaded, "files": len(files)}
