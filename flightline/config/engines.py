"""The `engine` and `engines` sections of the config: which engine Beam's work runs on, and what each engine needs.

What is settled here concerns one value alone; whether an engine can be used as configured is for `flightline.engines`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, field_validator

from flightline.utils.storage import Location

EngineName = Literal["local", "multiprocess", "portable", "flink", "spark", "dataflow"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
Orchestrator = Literal["local", "kubeflow"]  # who runs the DAG: a runner on this machine, or Kubeflow's, elsewhere

Endpoint = Annotated[str, Field(pattern=r"^[A-Za-z0-9.\[\]-]+:[0-9]{1,5}$", description="host:port")]
# Told apart from a misspelt name: each of them exists in Beam, and each of them has cost people their data or time.
_REFUSED_ENGINES = {
    "dask": "rows get lost in silence on DaskRunner (several sinks, tagged outputs)",
    "direct": "what DirectRunner was is the engine `local`; it now tries to download a Prism binary for every pipeline",
    "prism": "it is a binary that Beam downloads, and TFX is not tested on it",
}


class EngineSection(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EngineConfig(EngineSection):
    """Where and how the standard components are executed."""

    name: EngineName = Field("local", description="the Beam engine; each but `local` has its section in `engines`")
    executors: Literal["fast", "stock"] = Field(
        "fast", description="on the engine `local`: our executors behind the standard components, or TFX's own"
    )

    @field_validator("name", mode="before")
    @classmethod
    def _refuse_unsafe_engine(cls, name: Any) -> Any:
        plain = str(name).lower().removesuffix("runner")
        if plain in _REFUSED_ENGINES:
            raise ValueError(f"{_REFUSED_ENGINES[plain]}; choose one of {', '.join(ENGINES)}")
        return name


class MultiprocessSettings(EngineSection):
    """Beam in several processes of this machine."""

    workers: Annotated[int, Field(ge=0, le=256)] = Field(0, description="worker processes; 0: one a core")


class PortableSettings(EngineSection):
    """Beam's own job service, with workers in a pool of processes of their own."""

    job_endpoint: Endpoint = Field("localhost:8099", description="where the job service listens")
    worker_endpoint: Endpoint = Field("localhost:50000", description="where the pool of workers listens")
    start_services: bool = Field(True, description="start both on this machine for the length of a run")


class FlinkSettings(EngineSection):
    """Apache Flink through Beam's Flink job server."""

    master: str = Field("[local]", description="`[local]`: a Flink inside the job server; host:port: a cluster")
    job_server_jar: Path | None = Field(None, description="Beam's job server; by default the one `make flink` fetched")
    job_endpoint: Endpoint = Field("localhost:8098", description="where it listens on this machine during a run")
    worker_endpoint: Endpoint | None = Field(
        None, description="a pool of SDK workers beside every TaskManager; LOOPBACK workers where there is none"
    )
    start_workers: bool = Field(True, description="start that pool on this machine for the length of a run")
    image: str | None = Field(None, description="SDK workers in containers of this image, instead of a pool")
    parallelism: Annotated[int, Field(ge=1, le=4096)] = Field(2, description="parallel tasks of every step of a job")


class SparkSettings(EngineSection):
    """Apache Spark through Beam's Spark job server."""

    master: str = Field(
        "local[2]", description="`local[N]`: a Spark inside the job server; spark://host:port: a cluster"
    )
    job_server_jar: Path | None = Field(None, description="Beam's job server; by default the one `make spark` fetched")
    job_endpoint: Endpoint = Field("localhost:8097", description="where it listens on this machine during a run")
    properties: dict[str, str] = Field({}, description="properties of Spark, such as spark.executor.memory: 4g")
    worker_endpoint: Endpoint | None = Field(
        None, description="a pool of SDK workers beside every Spark worker; LOOPBACK workers where there is none"
    )
    start_workers: bool = Field(True, description="start that pool on this machine for the length of a run")
    image: str | None = Field(None, description="SDK workers in containers of this image, instead of a pool")


class DataflowSettings(EngineSection):
    """Google Cloud Dataflow."""

    project: str | None = Field(None, description="the Google Cloud project that jobs run in, and are paid by")
    region: str | None = Field(None, description="where they run, such as europe-west4")
    bucket: str | None = Field(None, description="gs://BUCKET[/PATH] for Beam's temporary and staged files")
    image: str | None = Field(None, description="the workers' image, with requirements.lock and this package in it")
    setup_file: Path | None = Field(None, description="instead of an image: a setup.py that workers install")
    extra_packages: tuple[Path, ...] = Field(
        (), description="wheels that workers install before setup_file: the library's, which no package index has"
    )
    service_account: str | None = Field(None, description="whose rights the workers have; the project's default one")
    machine_type: str | None = Field(None, description="of the workers; Dataflow's choice by default")
    num_workers: Annotated[int, Field(ge=1)] | None = Field(None, description="workers that a job begins with")
    max_workers: Annotated[int, Field(ge=1)] | None = Field(None, description="workers that it may grow to")
    labels: dict[str, str] = Field({}, description="labels of the jobs, for the bill")
    endpoint: str | None = Field(None, description="another Dataflow API endpoint, such as a test's")


class KubeflowSettings(EngineSection):
    """What runner_kubeflow.py needs: Kubeflow Pipelines and Vertex AI Pipelines run every step in a container."""

    platform: Literal["kubeflow", "vertex"] | None = Field(
        None, description="who runs it: they differ in resolvers and in TFX's driver hook"
    )
    image: str | None = Field(None, description="the steps' image, with requirements.lock and this package in it")
    releases_uri: Location | None = Field(None, description="gs://BUCKET/PATH below which the Pusher writes versions")
    champion_uri: Location | None = Field(
        None,
        description="on `kubeflow`: URI of the Model that a candidate must not fall behind; none where not given",
    )


class EnginesConfig(EngineSection):
    """What each engine needs, by its name."""

    multiprocess: MultiprocessSettings = MultiprocessSettings()
    portable: PortableSettings = PortableSettings()
    flink: FlinkSettings = FlinkSettings()
    spark: SparkSettings = SparkSettings()
    dataflow: DataflowSettings = DataflowSettings()
    kubeflow: KubeflowSettings = KubeflowSettings()
    shared_paths: tuple[Path, ...] = Field(
        (), description="folders that every machine of an engine elsewhere sees under the same name (NFS and the like)"
    )
    beam_arguments: tuple[str, ...] = Field((), description="more arguments for Beam's pipelines, for what is not here")

    @field_validator("beam_arguments")
    @classmethod
    def _refuse_runner_arguments(cls, arguments: tuple[str, ...]) -> tuple[str, ...]:
        for argument in arguments:
            if not argument.startswith("--"):
                raise ValueError(f"{argument!r} is not of the form --name=value")
            if argument.split("=")[0] in {"--runner", "--direct_running_mode"}:
                raise ValueError(f"{argument}: engine.name chooses the runner")
        return arguments
