"""Manifests for Seldon Core v1: a SeldonDeployment with a predictor for each release."""

from __future__ import annotations

from typing import Any

from flightline.config.settings import Config
from flightline.releases.manifests.common import (
    GRPC_PORT,
    HTTP_PORT,
    METRICS_PORT,
    MOUNT_PATH,
    Canary,
    Manifest,
    object_metadata,
    object_name,
    release_uri,
    server_container,
    service_account_fields,
)
from flightline.releases.release import Release

RCLONE_IMAGE = "seldonio/rclone-storage-initializer:1.17.1"
# The operator looks for ports with these names, and adds unused ones if it does not find them.
PORTS = {"http": HTTP_PORT, "grpc": GRPC_PORT, "metrics": METRICS_PORT}
METRICS_PATH = "/prometheus"  # where the operator makes Prometheus scrape
RELEASE_VOLUME = "release"


def build_documents(config: Config, release: Release, canary: Canary | None) -> list[Manifest]:
    """A SeldonDeployment, which splits the traffic between its predictors."""
    shares = [(release, 100 - canary[1]), canary] if canary else [(release, 100)]
    return [
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": object_metadata(config, release, object_name(config)),
            "spec": {
                "name": object_name(config),
                "protocol": "v2",
                "predictors": [_predictor(config, one, percent) for one, percent in shares],
            },
        }
    ]


def _predictor(config: Config, release: Release, percent: int) -> Manifest:
    name = object_name(config)
    server = server_container(config, release, name)
    server["ports"] = [{"name": port, "containerPort": number} for port, number in PORTS.items()]
    server["env"] = [{"name": "MLSERVER_METRICS_ENDPOINT", "value": METRICS_PATH}]
    server["volumeMounts"] = [{"name": RELEASE_VOLUME, "mountPath": MOUNT_PATH, "readOnly": True}]
    pod = {
        **service_account_fields(config),
        "initContainers": [_fetch_container(config, release)],
        "containers": [server],
        "volumes": [{"name": RELEASE_VOLUME, "emptyDir": {}}],
    }
    return {
        "name": f"release-{release.version}",
        "replicas": config.serving.kubernetes.replicas,
        "traffic": percent,
        "componentSpecs": [{"spec": pod}],
        "graph": {"name": name, "type": "MODEL", "children": []},
    }


def _fetch_container(config: Config, release: Release) -> Manifest:
    """An init container that copies the release into the pod; Seldon does so for its prepackaged servers only."""
    fetch: dict[str, Any] = {
        "name": "fetch-release",
        "image": RCLONE_IMAGE,
        "args": [release_uri(config, release), MOUNT_PATH],
        "volumeMounts": [{"name": RELEASE_VOLUME, "mountPath": MOUNT_PATH}],
    }
    if secret := config.serving.kubernetes.storage_secret:
        fetch["envFrom"] = [{"secretRef": {"name": secret}}]
    return fetch
