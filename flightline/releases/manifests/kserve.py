"""KServe: an InferenceService with a predictor of ours."""

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
from flightline.releases.registry import Release


def build_documents(config: Config, release: Release, canary: Canary | None) -> list[Manifest]:
    """KServe rolls a new revision out beside the one before it: with a canary it is the canary that is applied."""
    served, percent = canary or (release, None)
    server = server_container(config, served, "kserve-container")
    server["ports"] = [
        {"containerPort": HTTP_PORT, "protocol": "TCP"}
    ]  # Knative takes one port; its name would be a protocol
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
