"""Manifests for KServe: an InferenceService with a custom predictor."""

from __future__ import annotations

from flightline.config.settings import Config
from flightline.releases.manifests.common import (
    HTTP_PORT,
    METRICS_PORT,
    Canary,
    Manifest,
    object_metadata,
    object_name,
    release_uri,
    server_container,
    service_account_fields,
)
from flightline.releases.release import Release


def build_documents(config: Config, release: Release, canary: Canary | None) -> list[Manifest]:
    """An InferenceService of the canary if there is one: KServe keeps the previous revision running."""
    served, percent = canary or (release, None)
    server = server_container(config, served, "kserve-container")
    # Knative allows one port only, and takes its name for a protocol.
    server["ports"] = [{"containerPort": HTTP_PORT, "protocol": "TCP"}]
    server["env"] = [{"name": "STORAGE_URI", "value": release_uri(config, served)}]
    scrape_annotations = {
        "prometheus.io/scrape": "true",
        "prometheus.io/port": str(METRICS_PORT),
        "prometheus.io/path": "/metrics",
    }
    predictor: Manifest = {
        "minReplicas": config.serving.kubernetes.replicas,
        **service_account_fields(config),
        **({"canaryTrafficPercent": percent} if percent is not None else {}),
        "containers": [server],
    }
    return [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": object_metadata(config, served, object_name(config), **scrape_annotations),
            "spec": {"predictor": predictor},
        }
    ]
