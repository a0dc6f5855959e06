"""Kubernetes manifests for a release, for Seldon Core v2 and v1 and KServe, as plain data.

All of them run the image of docker/serving.Dockerfile, which serves one release from a folder, with the same contract
and responses as `make serve`. The platform copies the release into the container.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal, get_args

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.manifests import kserve, seldon_v1, seldon_v2
from flightline.releases.manifests.common import Canary, Manifest, check_kubernetes_settings
from flightline.releases.release import Release
from flightline.releases.rollout import CANARY_FILE

Platform = Literal["seldon-v2", "seldon-v1", "kserve"]
PLATFORMS: tuple[str, ...] = get_args(Platform)
# URI schemes that the platforms can copy from. Seldon uses rclone, where the scheme is the name of a remote.
STORAGE_SCHEMES: dict[Platform, tuple[str, ...]] = {
    "seldon-v2": ("gs", "s3", "az", "minio", "hdfs"),
    "seldon-v1": ("gs", "s3", "az", "minio", "hdfs"),
    "kserve": ("gs", "s3", "pvc", "hdfs", "webhdfs"),
}


def build_manifests(config: Config, kind: Platform, release: Release, canary: Canary | None = None) -> list[Manifest]:
    """The manifests that serve a release.

    Args:
        config: the pipeline.
        kind: the platform.
        release: the release to serve.
        canary: another release, and the percentage of the requests that it answers.

    Raises:
        UsageError: the config sets no image, or no storage that the platform can read.
    """
    check_kubernetes_settings(config, STORAGE_SCHEMES[kind])
    writers: dict[Platform, Callable[[Config, Release, Canary | None], list[Manifest]]] = {
        "seldon-v2": seldon_v2.build_documents,
        "seldon-v1": seldon_v1.build_documents,
        "kserve": kserve.build_documents,
    }
    return writers[kind](config, release, canary)


def read_canary(config: Config) -> tuple[str, int] | None:
    """The version in the file CANARY and its percentage of the requests; None if there is no canary."""
    try:
        canary = json.loads((config.releases / CANARY_FILE).read_text(encoding="utf-8"))
        return str(canary["version"]), max(1, min(99, round(100 * float(canary["traffic_share"]))))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{config.releases / CANARY_FILE} is invalid: {error}", "end the canary: `flightline canary`"
        ) from error
