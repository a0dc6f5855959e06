"""Kubernetes manifests of a release: Seldon Core v2 and v1, KServe. Plain data, from the config and release.json.

All of them run the image of docker/serving.Dockerfile, which serves one release from a folder: the contract and the
answers are those of `make serve`. The platform copies the release into the container.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Literal, get_args

from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.manifests import kserve, seldon_v1, seldon_v2
from pipeline.manifests.parts import Canary, Manifest, require
from pipeline.releases import Release
from pipeline.trials import CANARY

Kind = Literal["seldon-v2", "seldon-v1", "kserve"]
KINDS: tuple[str, ...] = get_args(Kind)
# What the platforms copy folders from. Seldon does it with rclone, where the name before :// is that of a remote.
STORES: dict[Kind, tuple[str, ...]] = {
    "seldon-v2": ("gs", "s3", "az", "minio", "hdfs"),
    "seldon-v1": ("gs", "s3", "az", "minio", "hdfs"),
    "kserve": ("gs", "s3", "pvc", "hdfs", "webhdfs"),
}


def manifests(config: Config, kind: Kind, release: Release, canary: Canary | None = None) -> list[Manifest]:
    """The documents that serve a release.

    Args:
        canary: another release, and the percentage of the requests that it answers.

    Raises:
        UsageError: the config does not say which image, or where this platform finds releases.
    """
    require(config, STORES[kind])
    writers: dict[Kind, Callable[[Config, Release, Canary | None], list[Manifest]]] = {
        "seldon-v2": seldon_v2.documents,
        "seldon-v1": seldon_v1.documents,
        "kserve": kserve.documents,
    }
    return writers[kind](config, release, canary)


def canary_of(config: Config) -> tuple[str, int] | None:
    """The version that the file CANARY names and its percentage; None where nothing is on trial."""
    try:
        trial = json.loads((config.releases / CANARY).read_text(encoding="utf-8"))
        return str(trial["version"]), max(1, min(99, round(100 * float(trial["share"]))))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{config.releases / CANARY} is no trial: {error}", "`flightline canary` ends it") from error
