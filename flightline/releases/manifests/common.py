"""Names, labels and the container, shared by the manifests of all platforms."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.release import Release

HTTP_PORT, GRPC_PORT, METRICS_PORT = 8080, 8081, 8082
MOUNT_PATH = "/mnt/models"
Manifest = dict[str, Any]
Canary = tuple[Release, int]


def object_name(config: Config) -> str:
    """The pipeline's name as a valid Kubernetes name."""
    return config.name.replace("_", "-").rstrip("-")


def check_kubernetes_settings(config: Config, schemes: tuple[str, ...]) -> None:
    """Raise UsageError if the config sets no image, or no storage that the platform can read."""
    kubernetes = config.serving.kubernetes
    if not kubernetes.image:
        raise UsageError(
            "serving.kubernetes.image is not set", "build and push docker/serving.Dockerfile, and set the image"
        )
    uri = urlsplit(kubernetes.storage)
    if uri.scheme not in schemes or not uri.netloc:
        raise UsageError(
            f"serving.kubernetes.storage is {kubernetes.storage or 'not set'}, which this platform cannot read",
            f"set a URI that starts with {', '.join(f'{scheme}://' for scheme in schemes)}",
        )


def object_metadata(config: Config, release: Release, name: str, **annotations: str) -> Manifest:
    """The metadata of an object; annotations name the release, its run and its content digests."""
    digests = release.metadata.get("digests", {})
    details = {f"flightline/{name}-digest": digest for name, digest in sorted(digests.items())}
    if run := release.metadata.get("run"):
        details["flightline/run"] = str(run)
    return {
        "name": name,
        "namespace": config.serving.kubernetes.namespace,
        "labels": {"app.kubernetes.io/name": object_name(config), "app.kubernetes.io/version": release.version},
        "annotations": {"flightline/release": release.version, **details, **annotations},
    }


def release_uri(config: Config, release: Release) -> str:
    """The URI from which the platform copies a release."""
    return f"{config.serving.kubernetes.storage.rstrip('/')}/{release.version}"


def resource_requirements(config: Config) -> Manifest:
    """The resources of a replica. CPU is not limited, because TensorFlow uses idle cores in short bursts."""
    requests = {"cpu": config.serving.kubernetes.cpu, "memory": config.serving.kubernetes.memory}
    return {"requests": requests, "limits": {"memory": requests["memory"]}}


def server_container(config: Config, release: Release, name: str) -> Manifest:
    """The model server, for the release that the platform mounts at `MOUNT_PATH`."""
    serving, model = config.serving, object_name(config)
    options = {
        "--release": MOUNT_PATH,
        "--name": model,
        "--version": release.version,
        "--host": "0.0.0.0",  # noqa: S104 - in a container; the platform restricts access
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
    """The pod's service account, if the config sets one."""
    name = config.serving.kubernetes.service_account
    return {"serviceAccountName": name} if name else {}
