"""A release's folder as platforms want it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.manifests.common import object_name
from flightline.releases.registry import Release

MODEL_SETTINGS = "model-settings.json"
RUNTIME_CLASS = "flightline.serving.runtime.FlightlineRuntime"


def write_bundle(config: Config, release: Release, folder: Path) -> Path:
    """Copies a release as platforms want it, with MLServer's settings beside it; returns the copy, `folder/VERSION`.

    Raises:
        UsageError: there is such a copy already.
    """
    target = folder / release.version
    if target.exists():
        raise UsageError(f"{target} is there already", "take it away, or name another --bundle")
    aside = folder / f".{release.version}.aside"
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(release.path, aside)
    (aside / MODEL_SETTINGS).write_text(
        json.dumps(_mlserver_settings(config, release), indent=2) + "\n", encoding="utf-8"
    )
    aside.replace(target)
    return target


def _mlserver_settings(config: Config, release: Release) -> dict[str, object]:
    """Seldon Core v2 sets `name` and `version` to its own counts when it loads a model; what is ours is in `extra`."""
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
