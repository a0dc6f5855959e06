"""Manifests for Seldon Core v2: a Server with the serving image, and the Models that it loads."""

from __future__ import annotations

from flightline.config.settings import Config
from flightline.releases.manifests.common import (
    Canary,
    Manifest,
    object_metadata,
    object_name,
    release_uri,
    resource_requirements,
)
from flightline.releases.release import Release

API_VERSION = "mlops.seldon.io/v1alpha1"
CAPABILITY = "flightline"
COMPONENT_LABEL = "app.kubernetes.io/component"
MODELS_FOLDER = "/mnt/agent/models"
# The current release, a canary, and the next version of each during a rollout.
MAX_MODELS_PER_SERVER = 4


def build_documents(config: Config, release: Release, canary: Canary | None) -> list[Manifest]:
    """A Server and a Model. The Model's name stays the same, so Seldon replaces one release with the next smoothly."""
    name = object_name(config)
    documents = [_server_manifest(config, release), _model_manifest(config, release, name)]
    if canary is None:
        return documents
    canary_release, percent = canary
    experiment = {
        "default": name,
        "candidates": [{"name": name, "weight": 100 - percent}, {"name": f"{name}-canary", "weight": percent}],
    }
    canary_documents = [
        _model_manifest(config, canary_release, f"{name}-canary"),
        {
            "apiVersion": API_VERSION,
            "kind": "Experiment",
            "metadata": object_metadata(config, canary_release, f"{name}-canary"),
            "spec": experiment,
        },
    ]
    for document in canary_documents:
        document["metadata"]["labels"][COMPONENT_LABEL] = "canary"  # selects what to delete when the canary ends
    return [*documents, *canary_documents]


def _server_manifest(config: Config, release: Release) -> Manifest:
    server = {
        "name": "mlserver",  # merged with this container of the ServerConfig, which defines ports and probes
        "image": config.serving.kubernetes.image,
        "command": ["mlserver", "start", MODELS_FOLDER],
        "env": [{"name": "MLSERVER_PARALLEL_WORKERS", "value": "0"}],  # a worker process would load TensorFlow again
        "resources": resource_requirements(config),
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "Server",
        "metadata": object_metadata(config, release, f"{object_name(config)}-server"),
        "spec": {
            "serverConfig": "mlserver",
            "replicas": config.serving.kubernetes.replicas,
            "capabilities": [CAPABILITY],  # only this one: the image has no runtime for other kinds of models
            "podSpec": {"containers": [server]},
        },
    }


def _model_manifest(config: Config, release: Release, name: str) -> Manifest:
    kubernetes = config.serving.kubernetes
    secret = {"secretName": kubernetes.storage_secret} if kubernetes.storage_secret else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "Model",
        "metadata": object_metadata(config, release, name),
        "spec": {
            "storageUri": release_uri(config, release),
            **secret,
            "requirements": [CAPABILITY],
            "memory": _memory_per_model(kubernetes.memory),
            "replicas": kubernetes.replicas,
        },
    }


def _memory_per_model(memory: str) -> str:
    """A model's share of a server's memory, which Seldon uses for scheduling."""
    kib = int(memory[:-2]) * {"Ki": 1, "Mi": 1024, "Gi": 1024**2}[memory[-2:]]
    return f"{kib // MAX_MODELS_PER_SERVER}Ki"
