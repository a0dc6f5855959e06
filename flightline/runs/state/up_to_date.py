"""Whether a run would only repeat an earlier one: decided from digests, before TensorFlow is imported."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flightline.config.loader import dump_config
from flightline.config.settings import Config
from flightline.errors import EXIT_OK, ConfigError
from flightline.metadata.provenance import user_modules
from flightline.releases.registry import current_version
from flightline.reporting.summary import Summary
from flightline.utils.hashing import code_digest, file_digest, lock_digest
from flightline.utils.storage import InputFile, data_digest

POST_RELEASE_SECTIONS = ("scoring", "monitoring")  # sections about what is done with a release
RUN_KEY_FILE = "key"  # the file, in a run's folder, that holds the key of a whole run


@dataclass(frozen=True)
class EarlierRun:
    """A run that made the current release of the same inputs."""

    summary: Summary
    folder: Path


def compute_run_key(config: Config, files: Sequence[InputFile], window: Sequence[int] = ()) -> str:
    """Digest of all that decides what a whole run comes to: config, data, window, schema, code and lock.

    Args:
        window: ids of the Examples of earlier spans that it trains on.

    Raises:
        ConfigError: the user's code is not where the config says.
    """
    try:
        code = code_digest("flightline.runs.launch", *user_modules(config))
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"user_code: {error}", "name an importable module, or put its folder on PYTHONPATH"
        ) from error
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


def find_earlier_run(config: Config, key: str) -> EarlierRun | None:
    """The newest run of this key that was done, if its release is there and still the current one."""
    folders = sorted((config.workspace / "runs").glob(f"*/{RUN_KEY_FILE}"), key=lambda path: -path.stat().st_mtime_ns)
    for path in folders:
        if path.read_text().strip() != key:
            continue
        summary = Summary.read_if_valid(path.parent)
        if summary is None:  # the run was killed
            continue
        if summary.exit_code == EXIT_OK and summary.release and _is_current_release(config, Path(summary.release)):
            return EarlierRun(summary, path.parent)
    return None


def _is_current_release(config: Config, release: Path) -> bool:
    return (release / "saved_model.pb").is_file() and current_version(config.releases) == release.name
