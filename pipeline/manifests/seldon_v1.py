"""Seldon Core v1: a SeldonDeployment with a predictor for each release."""

from __future__ import annotations

from typing import Any

from pipeline.config import Config
from pipeline.manifests.parts import (
    GRPC,
    HTTP,
    METRICS,
    MOUNT,
    Canary,
    Manifest,
    account,
    container,
    metadata,
    object_name,
    uri,
)
from pipeline.releases import Release

FETCH = "seldonio/rclone-storage-initializer:1.17.1"
# The operator looks for ports by these names, and adds ones that nobody listens on where it finds none.
PORTS = {"http": HTTP, "grpc": GRPC, "metrics": METRICS}
SCRAPED = "/prometheus"  # the path that it tells Prometheus of
VOLUME = "release"


def documents(config: Config, release: Release, canary: Canary | None) -> list[Manifest]:
    """Seldon shares the traffic out between the predictors."""
    shares = [(release, 100 - canary[1]), canary] if canary else [(release, 100)]
    return [
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": metadata(config, release, object_name(config)),
            "spec": {
                "name": object_name(config),
                "protocol": "v2",
                "predictors": [_predictor(config, one, percent) for one, percent in shares],
            },
        }
    ]


def _predictor(config: Config, release: Release, percent: int) -> Manifest:
    name = object_name(config)
    server = container(config, release, name)
    server["ports"] = [{"name": port, "containerPort": number} for port, number in PORTS.items()]
    server["env"] = [{"name": "MLSERVER_METRICS_ENDPOINT", "value": SCRAPED}]
    server["volumeMounts"] = [{"name": VOLUME, "mountPath": MOUNT, "readOnly": True}]
    pod = {
        **account(config),
        "initContainers": [_fetch(config, release)],
        "containers": [server],
        "volumes": [{"name": VOLUME, "emptyDir": {}}],
    }
    return {
        "name": f"release-{release.version}",
        "replicas": config.serving.kubernetes.replicas,
        "traffic": percent,
        "componentSpecs": [{"spec": pod}],
        "graph": {"name": name, "type": "MODEL", "children": []},
    }


def _fetch(config: Config, release: Release) -> Manifest:
    """Copies the release into the pod: Seldon fetches by itself for its own servers alone."""
    fetch: dict[str, Any] = {
        "name": "fetch-release",
        "image": FETCH,
        "args": [uri(config, release), MOUNT],
        "volumeMounts": [{"name": VOLUME, "mountPath": MOUNT}],
    }
    if secret := config.serving.kubernetes.storage_secret:
        fetch["envFrom"] = [{"secretRef": {"name": secret}}]
    return fetch
