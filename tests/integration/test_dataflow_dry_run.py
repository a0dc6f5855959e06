"""`--engine dataflow --dry-run`: every component's real job graph, without credentials or network.

In this process, which the other integration tests have already made import TensorFlow.
"""

import io
import json
import os
import tempfile

import pytest
from rich.console import Console

from flightline.runs.dry_run.build import dry_run
from flightline.runs.request import RunRequest

IMAGE = "registry.example/flightline:1"
# Few columns: the flights' Transform alone has 1,350 transforms.
SCHEMA = """
feature { name: "origin" type: BYTES presence { min_fraction: 1 min_count: 1 } domain: "airports" }
feature { name: "late" type: INT presence { min_fraction: 1 min_count: 1 } int_domain { min: 0 max: 1 } }
string_domain { name: "airports" value: "EWR" value: "JFK" }
"""
CONFIG = """
name: small
workspace: {folder}/workspace
label: late
schema: {folder}/schema.pbtxt
data: {{input: gs://my-flights-bucket/data, pattern: "span-{{SPAN}}/*.csv"}}
pipeline_root: gs://my-flights-bucket/artifacts
model: {{cross_order: 1, projection: 0, cross_layers: 0, hidden: [4]}}
evaluation: {{thresholds: {{AUC: {{lower: 0.7, vs_champion: 0.01}}}}}}
engines:
  dataflow:
    project: my-project-123
    region: europe-west1
    bucket: gs://my-flights-bucket/beam
    image: {image}
    service_account: flightline@my-project-123.iam.gserviceaccount.com
    machine_type: n2-standard-4
    num_workers: 2
    max_workers: 8
    labels: {{team: flights}}
  beam_arguments: [--experiments=disable_logging_submission_environment]   # which runs `pip freeze` for each job
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dry")
    (folder / "schema.pbtxt").write_text(SCHEMA)
    (folder / "small.yaml").write_text(CONFIG.format(folder=folder, image=IMAGE))
    return folder


@pytest.fixture(scope="module")
def document(folder):
    """What `--json` printed: the jobs of each component."""
    (folder / "tmp").mkdir()
    request = RunRequest(folder / "small.yaml", ("engine.name=dataflow",), plain=True)
    stdout = os.dup(1)
    with pytest.MonkeyPatch.context() as patch, (folder / "out").open("w") as out:
        patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
        patch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
        os.dup2(out.fileno(), 1)
        try:
            assert dry_run(request, "beam", as_json=True) == 0
        finally:
            os.dup2(stdout, 1)
            os.close(stdout)
    return json.loads((folder / "out").read_text())


@pytest.fixture(scope="module")
def jobs(document):
    from flightline.engines.dataflow_jobs import DataflowJob

    return {
        node: [
            DataflowJob(job["request"], job["transforms"]["composite"], job["transforms"]["leaf"], job["staged"])
            for job in of_node
        ]
        for node, of_node in document.items()
    }


def test_every_beam_component_has_a_job(jobs):
    assert {node: len(of_node) for node, of_node in jobs.items()} == {
        "ExampleGen": 1,
        "StatisticsGen": 1,
        "Transform": 1,
        "Evaluator": 1,
    }
    for [job] in jobs.values():
        assert job.leaf_transforms > 50
        assert job.composite_transforms > 20
        assert job.staged_files["pipeline.pb"] > 50_000


def test_the_jobs_are_built_by_the_executors_for_dataflow(jobs):
    executors = {node: job.labels["tfx_executor"] for node, [job] in jobs.items()}
    assert executors == {
        "ExampleGen": "third_party_executor",  # what TFX calls ours, the Arrow one
        "StatisticsGen": "tfx-components-statistics_gen-executor-executor",
        "Transform": "tfx-components-transform-executor-executor",
        "Evaluator": "tfx-components-evaluator-executor-executor",
    }


def test_each_job_has_the_settings_of_the_config(jobs):
    for [job] in jobs.values():
        assert job.image == IMAGE
        assert job.labels["team"] == "flights"
        assert job.workers["machineType"] == "n2-standard-4"
        assert job.workers["numWorkers"] == 2
        assert job.workers["autoscalingSettings"]["maxNumWorkers"] == 8
        assert job.environment["serviceAccountEmail"] == "flightline@my-project-123.iam.gserviceaccount.com"
        assert job.environment["tempStoragePrefix"].startswith("storage.googleapis.com/my-flights-bucket/beam/temp/")
        assert (job.options["project"], job.options["region"]) == ("my-project-123", "europe-west1")
        assert {"use_runner_v2", "disable_logging_submission_environment"} <= set(job.experiments)
        assert not job.options.get("save_main_session")


def test_a_dry_run_leaves_no_files(document, folder):
    assert sorted(path.name for path in folder.iterdir()) == ["out", "schema.pbtxt", "small.yaml", "tmp"]
    assert not list((folder / "tmp").glob("flightline-*"))


def test_the_table_has_a_row_per_job(jobs):
    from flightline.runs.dry_run import display

    out = io.StringIO()
    display.show_jobs(Console(file=out, width=120), jobs)
    lines = out.getvalue().splitlines()
    for node, [job] in jobs.items():
        [line] = [line for line in lines if line.startswith(node)]
        counts = [f"{job.composite_transforms:,}", f"{job.leaf_transforms:,}", str(len(job.staged_files))]
        assert line.split()[1:5] == [*counts, "files,"]
        assert line.rstrip().endswith(job.labels["tfx_executor"])
    values = {line[:22].strip(): line[22:].strip() for line in lines}
    assert values["image"] == IMAGE
    assert values["workers"] == "2 at start, 8 at most"
    assert values["label team"] == "flights"
    assert values["staging"] == "gs://my-flights-bucket/beam/staging"
    assert "pipeline.pb" in values["staged files"]
    assert lines[-1].startswith("4 job graphs built, nothing submitted. Unknown without credentials:")
