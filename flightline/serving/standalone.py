"""Serve one release from a folder, as in a container: make the settings for it."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from flightline.serving.release import CURRENT_FILE, RELEASE_JSON

SETTINGS_FILE = "server.json"
BUNDLE_SETTINGS = ("threshold", "max_rows")


def write_settings(folder: Path, name: str, version: str, **more: Any) -> Path:
    """Write settings that serve the release in `folder`, together with the folder of releases that they need.

    Raises:
        ValueError: `folder` contains no release.
    """
    if not (folder / RELEASE_JSON).is_file():
        raise ValueError(f"{folder} is not a release: it has no {RELEASE_JSON}")
    temporary = Path(tempfile.mkdtemp(prefix="flightline-"))
    releases = temporary / "releases"
    releases.mkdir()
    (releases / version).symlink_to(folder.resolve())
    (releases / CURRENT_FILE).write_text(f"{version}\n", encoding="utf-8")
    settings = {"name": name, "releases": str(releases), **more}
    (temporary / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")
    return temporary / SETTINGS_FILE


def bundle_settings(version: str | None, extra: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """The release's version and the server's settings from a bundle's model-settings.json.

    Seldon Core v2 overwrites `version` with its own number, so the bundle repeats the release's version in `extra`.
    """
    options = dict(extra or {})
    release = str(options.pop("release", version or "1"))
    return release, {name: options[name] for name in BUNDLE_SETTINGS if name in options}


def settings_from_args(arguments: Sequence[str]) -> Path:
    """The settings file named on the command line, or a new one for the release named there.

    Raises:
        ValueError: the release does not exist.
        SystemExit: the command line is invalid.
    """
    parser = argparse.ArgumentParser(
        prog="python -m flightline.serving",
        description="Serve the current release of a pipeline, or one release from a folder.",
    )
    parser.add_argument("settings", nargs="?", type=Path, help="a settings file that `flightline serve` wrote")
    parser.add_argument("--release", type=Path, help="the folder of one release, with its release.json")
    parser.add_argument("--name", default="model", help="the model's name in the V2 protocol")
    parser.add_argument("--version", default="1", help="the release's version, in digits; part of every response")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--http-port", type=int, default=8080)
    parser.add_argument("--grpc-port", type=int, default=8081)
    parser.add_argument("--metrics-port", type=int, default=8082)
    parser.add_argument("--threshold", type=float, default=0.5, help="probability from which the label is positive")
    parser.add_argument("--max-rows", type=int, default=10_000, help="largest number of rows in one request")
    parser.add_argument("--log", type=Path, help="folder of the prediction log; no log by default")
    options = parser.parse_args(arguments)
    if (options.settings is None) == (options.release is None):
        parser.error("name either a settings file or a --release")
    if options.settings is not None:
        return Path(options.settings).resolve()
    names = ("host", "http_port", "grpc_port", "metrics_port", "threshold", "max_rows")
    settings = {name: getattr(options, name) for name in names}
    log = {"log": {"folder": str(options.log.resolve())}} if options.log else {}
    return write_settings(options.release, options.name, options.version, **settings, **log)
