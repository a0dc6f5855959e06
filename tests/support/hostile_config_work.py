"""What is done with hostile configs, as every command and every run does it: in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pipeline.config_file import check_against_data, dump_config, load_config
from pipeline.errors import FlightlineError
from pipeline.plain_yaml import parse


def use_configs(made: Iterable[tuple[str, list[str]]]) -> list[dict[str, Any]]:
    """As `use_config`, of (config, overrides), one after another."""
    return [use_config(*one) for one in made]


def use_config(config: str, overrides: list[str]) -> dict[str, Any]:
    """What was made of a config, its schema and its first file; or why it was refused, and with which exit code."""
    try:
        loaded = load_config(Path(config), overrides)
        files = check_against_data(loaded)
    except FlightlineError as error:
        return {"refused": str(error), "exit_code": error.exit_code}
    kept = parse(dump_config(loaded))  # what a run keeps, and what `reproduce` and `--resume` read back
    return {"accepted": type(loaded).model_validate(kept) == loaded, "files": len(files)}
