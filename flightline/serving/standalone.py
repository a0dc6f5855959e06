"""One release in a folder, as a platform puts it into a container: settings that serve it until the process ends."""

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
    """Writes the settings of a server for the release in `folder`, and the folder of releases that they name.

    Raises:
        ValueError: there is no release in `folder`.
    """
    if not (folder / RELEASE_JSON).is_file():
        raise ValueError(f"{folder} holds no release: it has no {RELEASE_JSON}")
    place = Path(tempfile.mkdtemp(prefix="flightline-"))
    releases = place / "releases"
    releases.mkdir()
    (releases / version).symlink_to(folder.resolve())
    (releases / CURRENT_FILE).write_text(f"{version}\n", encoding="utf-8")
    settings = {"name": name, "releases": str(releases), **more}
    (place / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")
    return place / SETTINGS_FILE


def bundle_settings(version: str | None, extra: Mapping[str, Any] | None) -> tuple[str, dict[str, Any]]:
    """The release's version and the settings in a bundle's model-settings.json.

    Seldon Core v2 counts versions by itself and writes that over `version`; it leaves `extra` as it is.
    """
    ours = dict(extra or {})
    return str(ours.pop("release", version or "1")), {name: ours[name] for name in BUNDLE_SETTINGS if name in ours}


def settings_from_args(arguments: Sequence[str]) -> Path:
    """The settings file that a command line names, or one that is made for the release that it names.

    Raises:
        ValueError: there is no such release.
        SystemExit: the command line is none of ours.
    """
    parser = argparse.ArgumentParser(prog="python -m flightline.serving", description=__doc__)
    parser.add_argument("settings", nargs="?", type=Path, help="what `flightline serve` wrote")
    parser.add_argument("--release", type=Path, help="a release's folder, with its release.json")
    parser.add_argument("--name", default="model", help="what it is asked for by")
    parser.add_argument("--version", default="1", help="digits; it is in every answer")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--http-port", type=int, default=8080)
    parser.add_argument("--grpc-port", type=int, default=8081)
    parser.add_argument("--metrics-port", type=int, default=8082)
    parser.add_argument("--threshold", type=float, default=0.5, help="probabilities from here on are labelled 1")
    parser.add_argument("--max-rows", type=int, default=10_000, help="of one request")
    parser.add_argument("--log", type=Path, help="folder of the prediction log; none is kept where it is not given")
    asked = parser.parse_args(arguments)
    if (asked.settings is None) == (asked.release is None):
        parser.error("name a settings file, or a --release")
    if asked.settings is not None:
        return Path(asked.settings).resolve()
    names = ("host", "http_port", "grpc_port", "metrics_port", "threshold", "max_rows")
    given = {name: getattr(asked, name) for name in names}
    log = {"log": {"folder": str(asked.log.resolve())}} if asked.log else {}
    return write_settings(asked.release, asked.name, asked.version, **given, **log)
