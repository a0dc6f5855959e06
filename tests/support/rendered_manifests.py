"""Manifests of two small releases, as YAML has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from flightline.config.loader import load_config
from flightline.config.settings import Config
from flightline.releases.manifests import PLATFORMS, build_manifests
from flightline.releases.registry import publish_release
from flightline.releases.release import read_releases

CONFIG = "configs/flights_monthly.yaml"
SETTINGS = ("serving.kubernetes.image=registry.example/flightline:1", "serving.kubernetes.storage=gs://bucket/releases")
KINDS_AND_CANARIES = [(kind, canary) for kind in PLATFORMS for canary in (None, 10)]
ACCESS_SETTINGS = ("serving.kubernetes.storage_secret=rclone", "serving.kubernetes.service_account=reader")


def config_with_releases(workspace: Path, *more: str) -> Config:
    """A config of releases 17 and 18."""
    loaded = load_config(Path(CONFIG), [f"workspace={workspace}", *SETTINGS, *more])
    for version in ("17", "18"):
        folder = loaded.releases / version
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "saved_model.pb").write_bytes(b"a model")
        digests = {"model": "ab" * 32, "transform_graph": "cd" * 32}
        publish_release(folder, {"run": f"run-{version}", "inputs": [], "digests": digests})
    return loaded


def render_manifests(config: Config, kind: Any, canary: int | None = None) -> list[dict[str, Any]]:
    """The manifests of release 18, with 17 as its canary where a percentage is given."""
    known = {one.version: one for one in read_releases(config.releases)}
    made = build_manifests(config, kind, known["18"], (known["17"], canary) if canary else None)
    return list(yaml.safe_load_all(yaml.safe_dump_all(made)))
