"""What Seldon Core and KServe take, of the part that our manifests write; an unknown field or another type is refused.

Fields, enumerations and ranges are those of the public API references: SeldonDeployment v1 as of Seldon Core 1.17.1;
Server, Model and Experiment v1alpha1 as of Seldon Core 2.6.0; InferenceService v1beta1 as of KServe 0.20. The rules in
the validators are those of their admission webhooks, and Knative's. Pods and containers are held to the models of
Kubernetes' own client.
"""

from __future__ import annotations

import json
from functools import partial
from types import SimpleNamespace
from typing import Annotated, Any, Literal

from kubernetes.client import ApiClient, Configuration
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

DNS_LABEL = r"^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$"
LABEL_VALUE = r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$"
LABEL_KEY = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|Ki|Mi|Gi)?$"
Percent = Annotated[int, Field(ge=0, le=100)]


def require_lossless_kubernetes(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    """Raises ValueError where reading a value as `kind` and writing it again loses or changes anything."""
    client = ApiClient(Configuration())
    kept = client.sanitize_for_serialization(client.deserialize(SimpleNamespace(data=json.dumps(value)), kind))
    if kept != value:
        raise ValueError(f"{kind} keeps {kept} of {value}")
    return value


Pod = Annotated[dict[str, Any], AfterValidator(partial(require_lossless_kubernetes, "V1PodSpec"))]
Container = Annotated[dict[str, Any], AfterValidator(partial(require_lossless_kubernetes, "V1Container"))]


class StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Metadata(StrictModel):
    name: Annotated[str, Field(pattern=DNS_LABEL)]
    namespace: Annotated[str, Field(pattern=DNS_LABEL)]
    labels: dict[Annotated[str, Field(pattern=LABEL_KEY)], Annotated[str, Field(pattern=LABEL_VALUE)]]
    annotations: dict[Annotated[str, Field(pattern=LABEL_KEY)], str]


class Graph(StrictModel):
    name: str
    type: Literal["ROUTER", "COMBINER", "MODEL", "TRANSFORMER", "OUTPUT_TRANSFORMER"]
    children: list[Graph]


class ComponentSpec(StrictModel):
    spec: Pod


class Predictor(StrictModel):
    name: Annotated[str, Field(pattern=DNS_LABEL)]
    replicas: int
    traffic: Percent
    componentSpecs: list[ComponentSpec]  # noqa: N815 - as it is written
    graph: Graph

    @model_validator(mode="after")
    def _the_graph_has_its_container(self) -> Predictor:
        names = [container["name"] for one in self.componentSpecs for container in one.spec["containers"]]
        assert self.graph.name in names
        return self


class SeldonDeploymentSpec(StrictModel):
    name: str
    protocol: Literal["seldon", "tensorflow", "kfserving", "v2"]
    predictors: Annotated[list[Predictor], Field(min_length=1)]

    @model_validator(mode="after")
    def _traffic_is_all_of_it(self) -> SeldonDeploymentSpec:
        assert sum(one.traffic for one in self.predictors) == 100
        assert len({one.name for one in self.predictors}) == len(self.predictors)
        return self


class SeldonDeployment(StrictModel):
    apiVersion: Literal["machinelearning.seldon.io/v1"]  # noqa: N815
    kind: Literal["SeldonDeployment"]
    metadata: Metadata
    spec: SeldonDeploymentSpec


class ServerSpec(StrictModel):
    serverConfig: Literal["mlserver", "triton"]  # noqa: N815
    replicas: int
    capabilities: list[str]
    podSpec: Pod  # noqa: N815


class Server(StrictModel):
    apiVersion: Literal["mlops.seldon.io/v1alpha1"]  # noqa: N815
    kind: Literal["Server"]
    metadata: Metadata
    spec: ServerSpec


class ModelSpec(StrictModel):
    storageUri: str  # noqa: N815
    secretName: str | None = None  # noqa: N815
    requirements: list[str]
    memory: Annotated[str, Field(pattern=QUANTITY)]
    replicas: int


class Model(StrictModel):
    apiVersion: Literal["mlops.seldon.io/v1alpha1"]  # noqa: N815
    kind: Literal["Model"]
    metadata: Metadata
    spec: ModelSpec


class Candidate(StrictModel):
    name: str
    weight: Annotated[int, Field(ge=0)]


class ExperimentSpec(StrictModel):
    default: str
    candidates: Annotated[list[Candidate], Field(min_length=1)]

    @model_validator(mode="after")
    def _the_default_is_a_candidate(self) -> ExperimentSpec:
        assert self.default in {one.name for one in self.candidates}
        return self


class Experiment(StrictModel):
    apiVersion: Literal["mlops.seldon.io/v1alpha1"]  # noqa: N815
    kind: Literal["Experiment"]
    metadata: Metadata
    spec: ExperimentSpec


class KServePredictor(StrictModel):
    minReplicas: int  # noqa: N815
    serviceAccountName: str | None = None  # noqa: N815
    canaryTrafficPercent: Percent | None = None  # noqa: N815
    containers: Annotated[list[Container], Field(min_length=1, max_length=1)]

    @model_validator(mode="after")
    def _knative_takes_the_container(self) -> KServePredictor:
        [container] = self.containers
        assert container["name"] == "kserve-container", "STORAGE_URI is read from no other"
        [port] = container["ports"]
        assert port.get("name", "") in {"", "h2c", "http1"}, "the name of Knative's port is a protocol"
        for probe in ("readinessProbe", "livenessProbe"):
            assert container[probe]["httpGet"]["port"] == port["containerPort"]
        return self


class InferenceServiceSpec(StrictModel):
    predictor: KServePredictor


class InferenceService(StrictModel):
    apiVersion: Literal["serving.kserve.io/v1beta1"]  # noqa: N815
    kind: Literal["InferenceService"]
    metadata: Metadata
    spec: InferenceServiceSpec


MODELS_BY_KIND: dict[str, type[StrictModel]] = {
    one.__name__: one for one in (SeldonDeployment, Server, Model, Experiment, InferenceService)
}


def validate_manifest(document: dict[str, Any]) -> None:
    """Raises ValidationError where the platform would refuse a document, or drop a part of it."""
    MODELS_BY_KIND[document["kind"]].model_validate(document)
