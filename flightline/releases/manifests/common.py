"""What the manifests of all platforms have in common: names, labels, the container."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.registry import Release

HTTP_PORT, GRPC_PORT, METRICS_PORT = 8080, 8081, 8082
MOUNT_PATH = "/mnt/models"
Manifest = dict[str, Any]
Canary = tuple[Release, int]


def object_name(config: Config) -> str:
    """The pipeline's name as Kubernetes takes it."""
    return config.name.replace("_", "-").rstrip("-")


def check_kubernetes_settings(config: Config, stores: tuple[str, ...]) -> None:
    """Raises UsageError where the config names no image, or a place that the platform does not copy from."""
    kubernetes = config.serving.kubernetes
    if not kubernetes.image:
        raise UsageError(
            "serving.kubernetes.image is not set", "build docker/serving.Dockerfile, push it, and name it there"
        )
    where = urlsplit(kubernetes.storage)
    if where.scheme not in stores or not where.netloc:
        raise UsageError(
            f"serving.kubernetes.storage {kubernetes.storage or '(nothing)'} is no place that this platform reads from",
            f"give a URI that begins with {', '.join(f'{store}://' for store in stores)}",
        )


def object_metadata(config: Config, release: Release, name: str, **annotations: str) -> Manifest:
    """Name, labels and annotations of an object: which release it serves, and which run and data that is of."""
    digests = release.about.get("digests", {})
    about = {f"flightline/{of}-digest": digest for of, digest in sorted(digests.items())}
    if run := release.about.get("run"):
        about["flightline/run"] = str(run)
    return {
        "name": name,
        "namespace": config.serving.kubernetes.namespace,
        "labels": {"app.kubernetes.io/name": object_name(config), "app.kubernetes.io/version": release.version},
        "annotations": {"flightline/release": release.version, **about, **annotations},
    }


def release_uri(config: Config, release: Release) -> str:
    """Where the platform finds a release."""
    return f"{config.serving.kubernetes.storage.rstrip('/')}/{release.version}"


def resource_requirements(config: Config) -> Manifest:
    """Of a replica. TensorFlow takes what cores are free for a moment, so they are asked for and not limited."""
    asked = {"cpu": config.serving.kubernetes.cpu, "memory": config.serving.kubernetes.memory}
    return {"requests": asked, "limits": {"memory": asked["memory"]}}


def server_container(config: Config, release: Release, name: str) -> Manifest:
    """Our server over the release that the platform puts into MOUNT."""
    serving, model = config.serving, object_name(config)
    options = {
        "--release": MOUNT_PATH,
        "--name": model,
        "--version": release.version,
        "--host": "0.0.0.0",  # noqa: S104 - of a container: the platform decides who reaches it
        "--threshold": str(serving.threshold),
        "--max-rows": str(serving.max_rows),
    }
    return {
        "name": name,
        "image": serving.kubernetes.image,
        "args": [word for option in options.items() for word in option],
        "readinessProbe": {"httpGet": {"path": f"/v2/models/{model}/ready", "port": HTTP_PORT}},
        "livenessProbe": {"httpGet": {"path": "/v2/health/live", "port": HTTP_PORT}, "initialDelaySeconds": 30},
        "resources": resource_requirements(config),
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": 1000},
    }


def service_account_fields(config: Config) -> Manifest:
    """Who the pod is, where the config says it."""
    name = config.serving.kubernetes.service_account
    return {"serviceAccountName": name} if name else {}
