"""`engine:` and `engines:` of the config: the engine that Beam's work runs on, and what each engine needs.

Only single values are checked here; `flightline.engines` checks whether an engine can be used as configured.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator

from flightline.config.section import Section
from flightline.utils.storage import Location

EngineName = Literal["local", "multiprocess", "portable", "flink", "spark", "dataflow"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)
Orchestrator = Literal["local", "kubeflow"]  # who runs the DAG: a runner on this machine, or Kubeflow's, elsewhere

Endpoint = Annotated[str, Field(pattern=r"^[A-Za-z0-9.\[\]-]+:[0-9]{1,5}$", description="host:port")]
# Refused with a reason, unlike a misspelt name: Beam has these engines, and each of them loses data or time.
_REFUSED_ENGINES = {
    "dask": "DaskRunner silently loses rows (several sinks, tagged outputs)",
    "direct": "use `local`, which is what DirectRunner was; it now tries to download a Prism binary for every pipeline",
    "prism": "it is a binary that Beam downloads, and TFX is not tested with it",
}


class EngineConfig(Section):
    """Where and how the standard components are executed."""

    name: EngineName = Field("local", description="the Beam engine; each but `local` has its section in `engines`")
    executors: Literal["fast", "stock"] = Field(
        "fast", description="on the engine `local`: Flightline's executors of the standard components, or TFX's own"
    )

    @field_validator("name", mode="before")
    @classmethod
    def _refuse_unsafe_engine(cls, name: Any) -> Any:
        plain = str(name).lower().removesuffix("runner")
        if plain in _REFUSED_ENGINES:
            raise ValueError(f"{_REFUSED_ENGINES[plain]}; choose one of {', '.join(ENGINES)}")
        return name


class MultiprocessSettings(Section):
    """Beam in several processes on this machine."""

    workers: Annotated[int, Field(ge=0, le=256)] = Field(0, description="worker processes; 0: one per core")


class PortableSettings(Section):
    """Beam's own job service, with workers in a pool of separate processes."""

    job_endpoint: Endpoint = Field("localhost:8099", description="where the job service listens")
    worker_endpoint: Endpoint = Field("localhost:50000", description="where the pool of workers listens")
    start_services: bool = Field(True, description="start both on this machine for the length of a run")


class FlinkSettings(Section):
    """Apache Flink through Beam's Flink job server."""

    master: str = Field("[local]", description="`[local]`: a Flink inside the job server; host:port: a cluster")
    job_server_jar: Path | None = Field(None, description="Beam's job server; by default the one `make flink` fetched")
    job_endpoint: Endpoint = Field("localhost:8098", description="where it listens on this machine during a run")
    worker_endpoint: Endpoint | None = Field(
        None, description="a pool of SDK workers next to every TaskManager; LOOPBACK workers if not set"
    )
    start_workers: bool = Field(True, description="start that pool on this machine for the duration of a run")
    image: str | None = Field(None, description="SDK workers in containers of this image, instead of a pool")
    parallelism: Annotated[int, Field(ge=1, le=4096)] = Field(2, description="parallel tasks of each step of a job")


class SparkSettings(Section):
    """Apache Spark through Beam's Spark job server."""

    master: str = Field(
        "local[2]", description="`local[N]`: a Spark inside the job server; spark://host:port: a cluster"
    )
    job_server_jar: Path | None = Field(None, description="Beam's job server; by default the one `make spark` fetched")
    job_endpoint: Endpoint = Field("localhost:8097", description="where it listens on this machine during a run")
    properties: dict[str, str] = Field({}, description="properties of Spark, such as spark.executor.memory: 4g")
    worker_endpoint: Endpoint | None = Field(
        None, description="a pool of SDK workers next to every Spark worker; LOOPBACK workers if not set"
    )
    start_workers: bool = Field(True, description="start that pool on this machine for the duration of a run")
    image: str | None = Field(None, description="SDK workers in containers of this image, instead of a pool")


class DataflowSettings(Section):
    """Google Cloud Dataflow."""

    project: str | None = Field(None, description="the Google Cloud project that jobs run in, and that pays for them")
    region: str | None = Field(None, description="region of the jobs, such as europe-west4")
    bucket: str | None = Field(None, description="gs://BUCKET[/PATH] for Beam's temporary and staged files")
    image: str | None = Field(None, description="the workers' image, with requirements.lock and this package in it")
    setup_file: Path | None = Field(None, description="a setup.py that workers install, instead of an image")
    extra_packages: tuple[Path, ...] = Field(
        (), description="wheels that workers install before setup_file: the library's, which no package index has"
    )
    service_account: str | None = Field(None, description="the workers' service account; by default the project's")
    machine_type: str | None = Field(None, description="machine type of the workers; by default Dataflow's choice")
    num_workers: Annotated[int, Field(ge=1)] | None = Field(None, description="number of workers at the start of a job")
    max_workers: Annotated[int, Field(ge=1)] | None = Field(None, description="largest number of workers")
    labels: dict[str, str] = Field({}, description="labels of the jobs, which appear on the bill")
    endpoint: str | None = Field(None, description="another Dataflow API endpoint, such as a test's")


class KubeflowSettings(Section):
    """What runner_kubeflow.py needs. Kubeflow Pipelines and Vertex AI Pipelines run each step in a container."""

    platform: Literal["kubeflow", "vertex"] | None = Field(
        None, description="what runs the pipeline: they differ in resolvers and in TFX's driver hook"
    )
    image: str | None = Field(None, description="the steps' image, with requirements.lock and this package in it")
    releases_uri: Location | None = Field(None, description="gs://BUCKET/PATH below which the Pusher writes versions")
    champion_uri: Location | None = Field(
        None,
        description="on `kubeflow`: URI of the Model that a candidate must not fall behind; none where not given",
    )


class EnginesConfig(Section):
    """What each engine needs."""

    multiprocess: MultiprocessSettings = MultiprocessSettings()
    portable: PortableSettings = PortableSettings()
    flink: FlinkSettings = FlinkSettings()
    spark: SparkSettings = SparkSettings()
    dataflow: DataflowSettings = DataflowSettings()
    kubeflow: KubeflowSettings = KubeflowSettings()
    shared_paths: tuple[Path, ...] = Field(
        (), description="folders that all machines of a remote engine see under the same path, such as NFS"
    )
    beam_arguments: tuple[str, ...] = Field((), description="further arguments for Beam's pipelines")

    @field_validator("beam_arguments")
    @classmethod
    def _refuse_runner_arguments(cls, arguments: tuple[str, ...]) -> tuple[str, ...]:
        for argument in arguments:
            if not argument.startswith("--"):
                raise ValueError(f"{argument!r} is not of the form --name=value")
            if argument.split("=")[0] in {"--runner", "--direct_running_mode"}:
                raise ValueError(f"{argument}: set engine.name instead, which chooses the runner")
        return arguments
