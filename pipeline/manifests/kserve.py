"""KServe: an InferenceService with a predictor of ours."""

from __future__ import annotations

from pipeline.config import Config
from pipeline.manifests.parts import HTTP, METRICS, Canary, Manifest, account, container, metadata, object_name, uri
from pipeline.releases import Release


def documents(config: Config, release: Release, canary: Canary | None) -> list[Manifest]:
    """KServe rolls a new revision out beside the one before it: with a canary it is the canary that is applied."""
    served, percent = canary or (release, None)
    server = container(config, served, "kserve-container")
    server["ports"] = [
        {"containerPort": HTTP, "protocol": "TCP"}
    ]  # Knative takes one port; its name would be a protocol
    server["env"] = [{"name": "STORAGE_URI", "value": uri(config, served)}]
    scraped = {"prometheus.io/scrape": "true", "prometheus.io/port": str(METRICS), "prometheus.io/path": "/metrics"}
    predictor: Manifest = {
        "minReplicas": config.serving.kubernetes.replicas,
        **account(config),
        **({"canaryTrafficPercent": percent} if percent is not None else {}),
        "containers": [server],
    }
    return [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": metadata(config, served, object_name(config), **scraped),
            "spec": {"predictor": predictor},
        }
    ]
