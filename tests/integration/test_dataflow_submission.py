"""Beam's real DataflowRunner, its staging and its credentials included, against Google's APIs on loopback.

What is replaced: the pauses between two questions after a job's state, and, where the DAG is run, the folders of data
and artifacts (TensorFlow's own client for gs:// knows no other server than Google's).
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from types import SimpleNamespace

import fake_dataflow
import pytest

from flightline.config.loader import load_config
from flightline.engines.arguments import beam_arguments
from flightline.errors import StepFailed

ROOT = Path(__file__).resolve().parent.parent.parent
CONFIG = ROOT / "configs" / "flights.yaml"
IMAGE = "registry.example/flightline:1"
SETTINGS = {
    "project": "my-project-123",
    "region": "europe-west1",
    "bucket": "gs://my-flights-bucket/beam",
    "image": IMAGE,
    "service_account": "flightline@my-project-123.iam.gserviceaccount.com",
    "machine_type": "n2-standard-4",
    "max_workers": 8,
    "labels": {"team": "flights"},
}


@pytest.fixture
def cloud(tmp_path, monkeypatch):
    from apache_beam.internal.gcp import auth
    from apache_beam.runners.dataflow import dataflow_runner

    with fake_dataflow.run_fake_dataflow() as fake:
        key = tmp_path / "key.json"
        key.write_text(json.dumps(fake.key()))
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", fake.url)
        monkeypatch.setenv("NO_GCE_CHECK", "true")
        # Beam looks for credentials once a process: ours are for this test.
        monkeypatch.setattr(auth._Credentials, "_credentials_init", False)
        monkeypatch.setattr(auth._Credentials, "_credentials", None)
        impatient = SimpleNamespace(time=time.time, sleep=lambda seconds: time.sleep(seconds / 100))
        monkeypatch.setattr(dataflow_runner, "time", impatient)
        yield fake
        assert fake.unknown == fake.strangers == []


def overrides(cloud, **changes):
    settings = {**SETTINGS, "endpoint": cloud.url, **changes}
    elsewhere = ("data.input=gs://my-flights-bucket/data", "pipeline_root=gs://my-flights-bucket/artifacts")
    return ("engine.name=dataflow", *elsewhere, f"engines.dataflow={json.dumps(settings)}")


def submit_statistics_gen(cloud, components):
    """Runs TFX's StatisticsGen on Dataflow; its graph follows from the names of files."""
    from tfx.components.statistics_gen import executor
    from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
    from tfx.types import artifact_utils, standard_artifacts

    examples = components.artifact(standard_artifacts.Examples)
    examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
    for split in ("train", "eval"):
        (Path(examples.uri) / f"Split-{split}").mkdir()
        (Path(examples.uri) / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz").touch()
    statistics = components.artifact(standard_artifacts.ExampleStatistics)
    arguments = beam_arguments(load_config(CONFIG, overrides(cloud)))
    context = BaseBeamExecutor.Context(beam_pipeline_args=arguments, tmp_dir=str(components.folder), unique_id="1")
    executor.Executor(context).Do({"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"})


def test_the_posted_job_has_the_settings_of_the_config(cloud, components):
    from apache_beam.portability.api import beam_runner_api_pb2

    from flightline.engines.dataflow_jobs import DataflowJob, count_transforms

    submit_statistics_gen(cloud, components)
    [request] = cloud.posted
    job = DataflowJob(request)
    assert job.image == IMAGE
    assert [image["containerImage"] for image in job.workers["sdkHarnessContainerImages"]] == [IMAGE]
    assert job.labels["team"] == "flights"
    assert job.labels["tfx_executor"] == "tfx-components-statistics_gen-executor-executor"
    assert job.workers["machineType"] == "n2-standard-4"
    assert job.workers["autoscalingSettings"]["maxNumWorkers"] == 8
    assert job.environment["serviceAccountEmail"] == SETTINGS["service_account"]
    assert "use_runner_v2" in job.experiments
    assert "save_main_session" not in job.options or not job.options["save_main_session"]
    assert job.options["temp_location"].startswith("gs://my-flights-bucket/beam/temp/")

    graph = cloud.objects[job.options["pipelineUrl"].removeprefix("gs://")]
    assert hashlib.sha256(graph).hexdigest() == job.options["pipelineProtoHash"]
    composites, leaves = count_transforms(beam_runner_api_pb2.Pipeline.FromString(graph))
    assert composites > 50
    assert leaves > 100
    for package in job.workers["packages"]:
        assert package["location"].removeprefix("storage.googleapis.com/") in cloud.objects

    assert cloud.states == ["JOB_STATE_DONE"]
    assert cloud.asked >= 2, "it was waited for: pending, running, done"


def test_workers_without_an_image_are_sent_the_project_and_the_library(cloud, monkeypatch, tmp_path):
    import apache_beam as beam

    monkeypatch.chdir(ROOT)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), "flightline"]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    settings = overrides(cloud, image=None, setup_file="./setup.py", extra_packages=[str(wheel)])
    arguments = beam_arguments(load_config(CONFIG, settings))
    with beam.Pipeline(argv=arguments) as pipeline:
        pipeline | beam.Create([1])
    [package] = [content for name, content in cloud.objects.items() if name.endswith("/workflow.tar.gz")]
    with tarfile.open(fileobj=io.BytesIO(package)) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    assert {"setup.py", "pipeline/training.py", "models/preprocessing.py"} <= names
    [library] = [content for name, content in cloud.objects.items() if name.endswith(f"/{wheel.name}")]
    assert library == wheel.read_bytes()


LOCAL_DATA_DAG = """
from pipeline import training

def create_pipeline(config, cache):
    settings = {{"pipeline_root": {root!r}}}
    data = config.data.model_copy(update={{"input": {data!r}, "pattern": "span-01/flights.csv"}})
    return training.create_pipeline(config.model_copy(update={{**settings, "data": data}}), cache=cache)
"""


def test_a_job_that_fails_fails_the_run(cloud, flights_sample, tmp_path, capfd, monkeypatch):
    from flightline.runs.launch import run_pipeline
    from flightline.runs.request import RunRequest

    cloud.states = ["JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_FAILED"]
    cloud.errors = ["Startup of the worker pool failed: the image cannot be pulled"]
    span = flights_sample / "span-01"
    cloud.objects["my-flights-bucket/data/span-01/flights.csv"] = (span / "flights.csv").read_bytes()

    dag = LOCAL_DATA_DAG.format(root=str(tmp_path / "artifacts"), data=str(flights_sample))
    (tmp_path / "local_data_dag.py").write_text(dag)
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = (
        *overrides(cloud),
        f"workspace={tmp_path / 'workspace'}",
        f"schema={ROOT / 'schema/flights.pbtxt'}",
        "user_code.training_pipeline=local_data_dag.create_pipeline",
    )
    code = run_pipeline(RunRequest(CONFIG, settings, to_node="ExampleGen", plain=True), "beam")
    last = capfd.readouterr().err.strip().splitlines()[-1]
    assert code == 1
    assert last.startswith("flightline: ExampleGen failed")
    assert "State: FAILED" in last
    assert "the image cannot be pulled" in last
    [request] = cloud.posted
    assert request["environment"]["workerPools"][0]["workerHarnessContainerImage"] == IMAGE


def test_a_dry_run_names_the_job_that_could_not_be_built(cloud, components):
    """Here: a graph that reads files that are not there."""
    from tfx.orchestration.portable.data_types import ExecutionInfo
    from tfx.proto.orchestration.executable_spec_pb2 import BeamExecutableSpec
    from tfx.types import artifact_utils, standard_artifacts

    from flightline.runs.dry_run.build import JobGraphBuilder

    config = load_config(CONFIG, overrides(cloud))
    spec = BeamExecutableSpec()
    spec.python_executor_spec.class_path = "tfx.components.statistics_gen.executor.Executor"
    for argument in (*beam_arguments(config), "--dry_run=True"):
        spec.beam_pipeline_args_placeholders.add().value.string_value = argument
    examples = components.artifact(standard_artifacts.Examples)
    examples.split_names = artifact_utils.encode_split_names(["train"])
    statistics = components.artifact(standard_artifacts.ExampleStatistics)
    execution = ExecutionInfo(1, {"examples": [examples]}, {"statistics": [statistics]}, {"exclude_splits": "[]"})
    graphs = JobGraphBuilder(components.folder / "not-kept", {"StatisticsGen": spec})
    with pytest.raises(StepFailed, match=r"StatisticsGen could not be built: OSError: No files found"):
        graphs.build("StatisticsGen", execution)
    assert not cloud.posted
