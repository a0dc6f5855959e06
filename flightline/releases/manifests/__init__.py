"""Kubernetes manifests of a release: Seldon Core v2 and v1, KServe. Plain data, from the config and release.json.

All of them run the image of docker/serving.Dockerfile, which serves one release from a folder: the contract and the
answers are those of `make serve`. The platform copies the release into the container.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal, get_args

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.manifests import kserve, seldon_v1, seldon_v2
from flightline.releases.manifests.common import Canary, Manifest, check_kubernetes_settings
from flightline.releases.registry import Release
from flightline.releases.rollout import CANARY_FILE

Platform = Literal["seldon-v2", "seldon-v1", "kserve"]
PLATFORMS: tuple[str, ...] = get_args(Platform)
# What the platforms copy folders from. Seldon does it with rclone, where the name before :// is that of a remote.
STORAGE_SCHEMES: dict[Platform, tuple[str, ...]] = {
    "seldon-v2": ("gs", "s3", "az", "minio", "hdfs"),
    "seldon-v1": ("gs", "s3", "az", "minio", "hdfs"),
    "kserve": ("gs", "s3", "pvc", "hdfs", "webhdfs"),
}


def build_manifests(config: Config, kind: Platform, release: Release, canary: Canary | None = None) -> list[Manifest]:
    """The documents that serve a release.

    Args:
        canary: another release, and the percentage of the requests that it answers.

    Raises:
        UsageError: the config does not say which image, or where this platform finds releases.
    """
    check_kubernetes_settings(config, STORAGE_SCHEMES[kind])
    writers: dict[Platform, Callable[[Config, Release, Canary | None], list[Manifest]]] = {
        "seldon-v2": seldon_v2.build_documents,
        "seldon-v1": seldon_v1.build_documents,
        "kserve": kserve.build_documents,
    }
    return writers[kind](config, release, canary)


def read_canary(config: Config) -> tuple[str, int] | None:
    """The version that the file CANARY names and its percentage; None where nothing is on trial."""
    try:
        trial = json.loads((config.releases / CANARY_FILE).read_text(encoding="utf-8"))
        return str(trial["version"]), max(1, min(99, round(100 * float(trial["share"]))))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{config.releases / CANARY_FILE} is no trial: {error}", "`flightline canary` ends it"
        ) from error
