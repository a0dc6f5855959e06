"""Kubernetes manifests of a release: Seldon Core v2 and v1, KServe. Plain data, from the config and release.json.

All of them run the image of docker/serving.Dockerfile, which serves one release from a folder: the contract, the routes
and the metrics are those of `make serve`. The platform copies the release into the container.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pipeline.config import Config
from pipeline.errors import UsageError
from pipeline.releases import Release
from pipeline.trials import CANARY

Kind = Literal["seldon-v2", "seldon-v1", "kserve"]
KINDS: tuple[str, ...] = get_args(Kind)
STORES = ("gs", "s3", "pvc", "https", "hdfs", "abfs", "wasbs", "az")
MODEL_SETTINGS = "model-settings.json"
RUNTIME = "serving.runtime.FlightlineRuntime"
CAPABILITY = "flightline"
HTTP, METRICS = 8080, 8082
Manifest = dict[str, Any]


def manifests(
    config: Config, kind: Kind, release: Release, canary: tuple[Release, int] | None = None
) -> list[Manifest]:
    """The documents that serve a release.

    Args:
        canary: another release, and the percentage of the requests that it answers.

    Raises:
        UsageError: the config does not say which image, or where the cluster finds releases.
    """
    _require(config)
    writers: dict[Kind, Callable[..., list[Manifest]]] = {
        "seldon-v2": _seldon_v2,
        "seldon-v1": _seldon_v1,
        "kserve": _kserve,
    }
    return writers[kind](config, release, canary)


def bundle(config: Config, release: Release, folder: Path) -> Path:
    """Copies a release as platforms want it, with MLServer's settings beside it; returns the copy, `folder/VERSION`.

    Raises:
        UsageError: there is such a copy already.
    """
    target = folder / release.version
    if target.exists():
        raise UsageError(f"{target} is there already", "take it away, or name another --bundle")
    aside = folder / f".{release.version}.aside"
    shutil.rmtree(aside, ignore_errors=True)
    shutil.copytree(release.path, aside)
    settings = {
        "name": object_name(config),
        "implementation": RUNTIME,
        "parameters": {"uri": ".", "version": release.version},
    }
    (aside / MODEL_SETTINGS).write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    aside.replace(target)
    return target


def canary_of(config: Config) -> tuple[str, int] | None:
    """The version that the file CANARY names and its percentage; None where nothing is on trial."""
    try:
        trial = json.loads((config.releases / CANARY).read_text(encoding="utf-8"))
        return str(trial["version"]), max(1, min(99, round(100 * float(trial["share"]))))
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{config.releases / CANARY} is no trial: {error}", "`flightline canary` ends it") from error


def object_name(config: Config) -> str:
    """The pipeline's name as Kubernetes takes it."""
    return config.name.replace("_", "-")


def _require(config: Config) -> None:
    kubernetes = config.serving.kubernetes
    if not kubernetes.image:
        raise UsageError(
            "serving.kubernetes.image is not set", "build docker/serving.Dockerfile, push it, and name it there"
        )
    where = urlsplit(kubernetes.storage)
    if where.scheme not in STORES or not where.netloc:
        raise UsageError(
            f"serving.kubernetes.storage {kubernetes.storage or '(nothing)'} is no place that a cluster reads from",
            f"give a URI that begins with {', '.join(f'{store}://' for store in STORES)}",
        )


def _metadata(config: Config, release: Release, name: str = "") -> Manifest:
    about = {f"flightline/{key}": str(release.about[key]) for key in ("run", "digest") if release.about.get(key)}
    return {
        "name": name or object_name(config),
        "namespace": config.serving.kubernetes.namespace,
        "labels": {"app.kubernetes.io/name": object_name(config), "app.kubernetes.io/version": release.version},
        "annotations": {"flightline/release": release.version, **about},
    }


def _uri(config: Config, release: Release) -> str:
    return f"{config.serving.kubernetes.storage.rstrip('/')}/{release.version}"


def _resources(config: Config) -> Manifest:
    asked = {"cpu": config.serving.kubernetes.cpu, "memory": config.serving.kubernetes.memory}
    return {"requests": asked, "limits": {"memory": asked["memory"]}}


def _container(config: Config, release: Release, name: str, folder: str) -> Manifest:
    """Our server over the release in `folder`."""
    return {
        "name": name,
        "image": config.serving.kubernetes.image,
        "args": ["--release", folder, "--name", object_name(config), "--version", release.version, "--host", "0.0.0.0"],  # noqa: S104
        "ports": [{"name": "http", "containerPort": HTTP, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": f"/v2/models/{object_name(config)}/ready", "port": HTTP}},
        "livenessProbe": {"httpGet": {"path": "/v2/health/live", "port": HTTP}, "initialDelaySeconds": 30},
        "resources": _resources(config),
        "securityContext": {"allowPrivilegeEscalation": False, "runAsNonRoot": True, "runAsUser": 1000},
    }


def _account(config: Config) -> Manifest:
    account = config.serving.kubernetes.service_account
    return {"serviceAccountName": account} if account else {}


def _kserve(config: Config, release: Release, canary: tuple[Release, int] | None) -> list[Manifest]:
    """KServe rolls a new revision out beside the one before it: with a canary it is the canary that is applied."""
    served, percent = canary or (release, None)
    container = _container(config, served, "kserve-container", "/mnt/models")
    container["env"] = [{"name": "STORAGE_URI", "value": _uri(config, served)}]
    predictor: Manifest = {
        "minReplicas": config.serving.kubernetes.replicas,
        **_account(config),
        **({"canaryTrafficPercent": percent} if percent is not None else {}),
        "containers": [container],
    }
    return [
        {
            "apiVersion": "serving.kserve.io/v1beta1",
            "kind": "InferenceService",
            "metadata": _metadata(config, served),
            "spec": {"predictor": predictor},
        }
    ]


def _seldon_v1(config: Config, release: Release, canary: tuple[Release, int] | None) -> list[Manifest]:
    """A predictor for each release; Seldon shares the traffic out."""
    shares = [(release, 100 - canary[1]), canary] if canary else [(release, 100)]
    predictors = [_seldon_v1_predictor(config, one, percent) for one, percent in shares]
    return [
        {
            "apiVersion": "machinelearning.seldon.io/v1",
            "kind": "SeldonDeployment",
            "metadata": _metadata(config, release),
            "spec": {"name": object_name(config), "protocol": "v2", "predictors": predictors},
        }
    ]


def _seldon_v1_predictor(config: Config, release: Release, percent: int) -> Manifest:
    name = object_name(config)
    container = _container(config, release, name, "/mnt/models")
    container["volumeMounts"] = [{"name": "release", "mountPath": "/mnt/models", "readOnly": True}]
    fetch = {
        "name": "fetch-release",
        "image": "seldonio/rclone-storage-initializer:1.17.1",
        "args": [_uri(config, release), "/mnt/models"],
        "volumeMounts": [{"name": "release", "mountPath": "/mnt/models"}],
    }
    pod = {
        **_account(config),
        "initContainers": [fetch],
        "containers": [container],
        "volumes": [{"name": "release", "emptyDir": {}}],
    }
    return {
        "name": f"release-{release.version}",
        "replicas": config.serving.kubernetes.replicas,
        "traffic": percent,
        "componentSpecs": [{"spec": pod}],
        "graph": {"name": name, "type": "MODEL", "children": []},
    }


def _seldon_v2(config: Config, release: Release, canary: tuple[Release, int] | None) -> list[Manifest]:
    """A server with our image, a model for each release, and an experiment that shares the traffic out."""
    kubernetes, name = config.serving.kubernetes, object_name(config)
    server = {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Server",
        "metadata": _metadata(config, release, f"{name}-server"),
        "spec": {
            "serverConfig": "mlserver",
            "replicas": kubernetes.replicas,
            "extraCapabilities": [CAPABILITY],
            "podSpec": {
                **_account(config),
                "containers": [
                    {
                        "name": "mlserver",
                        "image": kubernetes.image,
                        "command": ["mlserver", "start", "/mnt/agent/models"],
                        "env": [{"name": "MLSERVER_PARALLEL_WORKERS", "value": "0"}],  # a worker would be another model
                    }
                ],
            },
        },
    }
    shares = [(release, 100 - canary[1]), canary] if canary else [(release, 100)]
    models = [_seldon_v2_model(config, one) for one, _ in shares]
    if canary is None:
        return [server, *models]
    names = [model["metadata"]["name"] for model in models]
    experiment = {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Experiment",
        "metadata": _metadata(config, canary[0], f"{name}-canary"),
        "spec": {
            "default": names[0],
            "candidates": [
                {"name": of_model, "weight": percent} for of_model, (_, percent) in zip(names, shares, strict=True)
            ],
        },
    }
    return [server, *models, experiment]


def _seldon_v2_model(config: Config, release: Release) -> Manifest:
    kubernetes = config.serving.kubernetes
    return {
        "apiVersion": "mlops.seldon.io/v1alpha1",
        "kind": "Model",
        "metadata": _metadata(config, release, f"{object_name(config)}-{release.version}"),
        "spec": {
            "storageUri": _uri(config, release),
            "requirements": [CAPABILITY],
            "memory": kubernetes.memory,
            "replicas": kubernetes.replicas,
        },
    }
