"""Seldon Core v2: a Server with our image, and Models that it loads."""

from __future__ import annotations

from pipeline.config import Config
from pipeline.manifests.parts import Canary, Manifest, metadata, object_name, resources, uri
from pipeline.releases import Release

API = "mlops.seldon.io/v1alpha1"
CAPABILITY = "flightline"
COMPONENT = "app.kubernetes.io/component"
MODELS_FOLDER = "/mnt/agent/models"
# A server has room for the current release, a canary, and the next of each while it takes over.
MODELS_OF_A_SERVER = 4


def documents(config: Config, release: Release, canary: Canary | None) -> list[Manifest]:
    """The current release's Model keeps its name from release to release: Seldon loads the new one, then moves over."""
    name = object_name(config)
    written = [_server(config, release), _model(config, release, name)]
    if canary is None:
        return written
    on_trial, percent = canary
    experiment = {
        "default": name,
        "candidates": [{"name": name, "weight": 100 - percent}, {"name": f"{name}-canary", "weight": percent}],
    }
    of_trial = [
        _model(config, on_trial, f"{name}-canary"),
        {
            "apiVersion": API,
            "kind": "Experiment",
            "metadata": metadata(config, on_trial, f"{name}-canary"),
            "spec": experiment,
        },
    ]
    for document in of_trial:
        document["metadata"]["labels"][COMPONENT] = "canary"  # what is deleted when the trial ends
    return [*written, *of_trial]


def _server(config: Config, release: Release) -> Manifest:
    server = {
        "name": "mlserver",  # laid over the container of that name in the ServerConfig, which has ports and probes
        "image": config.serving.kubernetes.image,
        "command": ["mlserver", "start", MODELS_FOLDER],
        "env": [{"name": "MLSERVER_PARALLEL_WORKERS", "value": "0"}],  # a worker would be another TensorFlow
        "resources": resources(config),
    }
    return {
        "apiVersion": API,
        "kind": "Server",
        "metadata": metadata(config, release, f"{object_name(config)}-server"),
        "spec": {
            "serverConfig": "mlserver",
            "replicas": config.serving.kubernetes.replicas,
            "capabilities": [
                CAPABILITY
            ],  # and no other: our image has no runtime for scikit-learn's models and the like
            "podSpec": {"containers": [server]},
        },
    }


def _model(config: Config, release: Release, name: str) -> Manifest:
    kubernetes = config.serving.kubernetes
    secret = {"secretName": kubernetes.storage_secret} if kubernetes.storage_secret else {}
    return {
        "apiVersion": API,
        "kind": "Model",
        "metadata": metadata(config, release, name),
        "spec": {
            "storageUri": uri(config, release),
            **secret,
            "requirements": [CAPABILITY],
            "memory": _share(kubernetes.memory),
            "replicas": kubernetes.replicas,
        },
    }


def _share(memory: str) -> str:
    """A model's part of a server's memory: Seldon schedules a model where that much is free."""
    kib = int(memory[:-2]) * {"Ki": 1, "Mi": 1024, "Gi": 1024**2}[memory[-2:]]
    return f"{kib // MODELS_OF_A_SERVER}Ki"
