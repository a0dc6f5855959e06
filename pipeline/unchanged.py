"""Whether a run would only repeat an earlier one: decided from digests, before TensorFlow is imported."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.config import Config
from pipeline.config_file import dump_config
from pipeline.digests import LOCK, code_digest, file_digest
from pipeline.errors import DONE, ConfigError
from pipeline.locations import InputFile, data_digest
from pipeline.releases import current_version
from pipeline.summary import SUMMARY, Summary

AFTERWARDS = ("scoring", "monitoring")  # sections about what is done with a release
KEY = "key"  # the file, in a run's folder, that holds the key of a whole run


@dataclass(frozen=True)
class Earlier:
    """A run that made the current release of the same inputs."""

    summary: Summary
    folder: Path


def run_key(config: Config, files: Sequence[InputFile], window: Sequence[int] = ()) -> str:
    """Digest of all that decides what a whole run comes to: config, data, window, schema, code and lock.

    Args:
        window: ids of the Examples of earlier spans that it trains on.

    Raises:
        ConfigError: the user's code is not where the config says.
    """
    try:
        code = code_digest("pipeline.launch", *user_modules(config))
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"user_code: {error}", "name an importable module, or put its folder on PYTHONPATH"
        ) from error
    lock = file_digest(LOCK) if LOCK.is_file() else ""
    defaults = {name: Config.model_fields[name].default for name in AFTERWARDS}
    parts = [
        dump_config(config.model_copy(update=defaults)),
        data_digest(files),
        file_digest(config.schema_file),
        code,
        lock,
        *map(str, window),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def user_modules(config: Config) -> list[str]:
    """The modules of the user's functions."""
    return sorted({path.rpartition(".")[0] for path in (config.user_code.preprocessing_fn, config.user_code.run_fn)})


def earlier_run(config: Config, key: str) -> Earlier | None:
    """The newest run of this key that was done, if its release is there and still the current one."""
    folders = sorted((config.workspace / "runs").glob(f"*/{KEY}"), key=lambda path: -path.stat().st_mtime_ns)
    for path in folders:
        if path.read_text().strip() != key:
            continue
        try:
            summary = Summary.from_dict(json.loads((path.parent / SUMMARY).read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            continue  # a run that was ended from outside
        if summary.exit_code == DONE and summary.release and _is_current(config, Path(summary.release)):
            return Earlier(summary, path.parent)
    return None


def _is_current(config: Config, release: Path) -> bool:
    return (release / "saved_model.pb").is_file() and current_version(config.releases) == release.name
