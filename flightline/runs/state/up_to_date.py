"""Detect a run that would only repeat an earlier one: by digests, before TensorFlow is imported."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flightline.config.loader import dump_config
from flightline.config.settings import Config
from flightline.errors import EXIT_OK, ConfigError
from flightline.metadata.provenance import LIBRARY_ENTRY_MODULE, user_modules
from flightline.releases.release import current_version, find_pushed_damage
from flightline.reporting.html.data import REPORT_HTML
from flightline.reporting.summary import Summary
from flightline.utils.dotted_path import missing_module_error
from flightline.utils.hashing import code_digest, file_digest, lock_digest
from flightline.utils.storage import InputFile, data_digest

POST_RELEASE_SECTIONS = ("scoring", "monitoring")  # config sections that training does not read
RUN_KEY_FILE = "key"  # in a run's folder: the run's key


@dataclass(frozen=True)
class EarlierRun:
    """An earlier run with the same inputs, whose release is the current one."""

    summary: Summary
    folder: Path


def compute_run_key(config: Config, files: Sequence[InputFile], window: Sequence[int] = ()) -> str:
    """Return the digest of everything that determines a run's result: config, data, window, schema, code and lock.

    Args:
        files: the input files.
        window: ids of the Examples of earlier spans that the run trains on.

    Raises:
        ConfigError: a module that `user_code` names does not exist, or a source file cannot be parsed.
    """
    code = _code_digest(config)
    defaults = {name: Config.model_fields[name].default for name in POST_RELEASE_SECTIONS}
    parts = [
        dump_config(config.model_copy(update=defaults)),
        data_digest(files),
        file_digest(config.schema_file),
        code,
        lock_digest() or "",
        *map(str, window),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _code_digest(config: Config) -> str:
    """Return the digest of the library's code that a run executes and of every module that `user_code` names."""
    try:
        return code_digest(LIBRARY_ENTRY_MODULE, *user_modules(config))
    except ModuleNotFoundError as error:
        paths = config.user_code.model_dump().items()
        key = next((key for key, path in paths if path.rpartition(".")[0] == error.name), "")
        raise missing_module_error(f"user_code.{key}", str(error.name)) from error
    except SyntaxError as error:
        raise ConfigError(f"{error.filename}, line {error.lineno}: {error.msg}", "fix the syntax error") from error


def find_earlier_run(config: Config, key: str) -> EarlierRun | None:
    """Return the newest successful run with this key whose release is still the current one and is not damaged."""
    folders = sorted((config.workspace / "runs").glob(f"*/{RUN_KEY_FILE}"), key=lambda path: -path.stat().st_mtime_ns)
    for path in folders:
        if path.read_text().strip() != key:
            continue
        summary = Summary.read_if_valid(path.parent)
        if summary is None or not (path.parent / REPORT_HTML).is_file():  # the run was killed
            continue
        if summary.exit_code == EXIT_OK and summary.release and _is_current_release(config, Path(summary.release)):
            return EarlierRun(summary, path.parent)
    return None


def _is_current_release(config: Config, release: Path) -> bool:
    is_current = (release / "saved_model.pb").is_file() and current_version(config.releases) == release.name
    return is_current and not find_pushed_damage(release)
