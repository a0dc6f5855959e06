"""A copy of a release with the settings that Seldon Core v2 needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.manifests.common import object_name
from flightline.releases.release import Release

MODEL_SETTINGS = "model-settings.json"
RUNTIME_CLASS = "flightline.serving.runtime.FlightlineRuntime"


def write_bundle(config: Config, release: Release, folder: Path) -> Path:
    """Copy a release and add MLServer's settings; return the copy, `folder/VERSION`.

    Raises:
        UsageError: the copy already exists.
    """
    target = folder / release.version
    if target.exists():
        raise UsageError(f"{target} already exists", "remove it, or choose another --bundle")
    temporary = folder / f".{release.version}.tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.copytree(release.path, temporary)
    (temporary / MODEL_SETTINGS).write_text(
        json.dumps(_mlserver_settings(config, release), indent=2) + "\n", encoding="utf-8"
    )
    temporary.replace(target)
    return target


def _mlserver_settings(config: Config, release: Release) -> dict[str, object]:
    """MLServer's settings. Seldon Core v2 overwrites `name` and `version`, so `extra` has Flightline's own."""
    serving = config.serving
    return {
        "name": object_name(config),
        "implementation": RUNTIME_CLASS,
        "parameters": {
            "uri": ".",
            "version": release.version,
            "extra": {"release": release.version, "threshold": serving.threshold, "max_rows": serving.max_rows},
        },
    }
