"""Manifests of two small releases, as YAML has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from pipeline.config import Config
from pipeline.config_file import load_config
from pipeline.manifests import KINDS, manifests
from pipeline.releases import release, releases

CONFIG = "configs/flights_monthly.yaml"
SET = ("serving.kubernetes.image=registry.example/flightline:1", "serving.kubernetes.storage=gs://bucket/releases")
EVERY = [(kind, canary) for kind in KINDS for canary in (None, 10)]
ACCESS = ("serving.kubernetes.storage_secret=rclone", "serving.kubernetes.service_account=reader")


def config_with_releases(workspace: Path, *more: str) -> Config:
    """A config of releases 17 and 18."""
    loaded = load_config(Path(CONFIG), [f"workspace={workspace}", *SET, *more])
    for version in ("17", "18"):
        folder = loaded.releases / version
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "saved_model.pb").write_bytes(b"a model")
        digests = {"model": "ab" * 32, "transform_graph": "cd" * 32}
        release(folder, {"run": f"run-{version}", "inputs": [], "digests": digests})
    return loaded


def written(config: Config, kind: Any, canary: int | None = None) -> list[dict[str, Any]]:
    """The manifests of release 18, with 17 as its canary where a percentage is given."""
    known = {one.version: one for one in releases(config.releases)}
    made = manifests(config, kind, known["18"], (known["17"], canary) if canary else None)
    return list(yaml.safe_load_all(yaml.safe_dump_all(made)))
