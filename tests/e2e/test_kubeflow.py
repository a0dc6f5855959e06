"""The spec for Kubeflow: KFP's own SDK takes it, and every step's own command line runs from it, on real data."""

from __future__ import annotations

import copy
import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kubeflow_backend import Backend, RunCommand

ROOT = Path(__file__).resolve().parent.parent.parent
KFP = ROOT / ".cache" / "kfp"  # an environment of its own: next to TFX, pip settles on a KFP of years ago
BUCKET = "gs://flightline-test"
SETTINGS = (
    "engines.kubeflow.image=europe-docker.pkg.dev/project/flightline/flightline:1",
    f"engines.kubeflow.releases_uri={BUCKET}/releases",
    f"data.input={BUCKET}/data",
    f"pipeline_root={BUCKET}/root",
    "train.epochs=1",
    "evaluation.thresholds={AUC: {lower: 0.7, vs_champion: 0.05}}",
    "evaluation.per_slice=[]",
)
LOAD = """
import sys
from kfp import components
component = components.load_component_from_file(sys.argv[1])
print(*component.pipeline_spec.root.dag.tasks)
"""


@pytest.fixture(scope="module")
def python(preloaded) -> RunCommand:
    """`python(arguments, log)` → the exit code of `python ARGUMENTS`."""
    return preloaded


@pytest.fixture(scope="module")
def compiled(python: RunCommand, tmp_path_factory: pytest.TempPathFactory):
    """`compiled("flights.json", "a.b=value", ...)` → the file that the runner wrote."""
    folder = tmp_path_factory.mktemp("specs")

    def compile_to(name: str, *settings: str) -> Path:
        overrides = [word for setting in (*SETTINGS, *settings) for word in ("--set", setting)]
        log = folder / "log.txt"
        assert python(["runner_kubeflow.py", "--output", str(folder / name), *overrides], log) == 0, log.read_text()
        return folder / name

    return compile_to


@pytest.fixture(scope="module")
def job(compiled) -> Path:
    return compiled("vertex.json", "engines.kubeflow.platform=vertex")


@pytest.fixture(scope="module")
def done(job: Path, python: RunCommand, flights_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Backend:
    """The spec for Vertex AI, run from its first step to its last."""
    folder = tmp_path_factory.mktemp("bucket")
    (folder / "data").symlink_to(flights_sample)
    backend = Backend(json.loads(job.read_text())["pipelineSpec"], folder, BUCKET, python)
    for task in backend.order():
        assert backend.run_task(task) == 0, backend.log(task)
    return backend


@pytest.fixture(scope="module")
def kfp() -> Path:
    """A Python with the current KFP SDK."""
    interpreter = KFP / "bin" / "python"
    if not (KFP / "bin" / "kfp").exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, KFP], check=True)
        made = subprocess.run(
            [uv, "pip", "install", "--quiet", "--python", interpreter, "kfp>=2.10"],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            pytest.skip(f"KFP's SDK cannot be installed here: {made.stderr.strip().splitlines()[-1]}")
    return interpreter


def load(kfp: Path, file: Path) -> set[str]:
    """The tasks of a spec as KFP's SDK has read it."""
    loaded = subprocess.run([kfp, "-c", LOAD, file], capture_output=True, text=True, check=False)
    assert loaded.returncode == 0, loaded.stderr
    return set(loaded.stdout.split())


def test_the_kfp_sdk_takes_the_spec_for_kubeflow_pipelines(compiled, kfp):
    champion = f"engines.kubeflow.champion_uri={BUCKET}/champion"
    file = compiled("kubeflow.yaml", "engines.kubeflow.platform=kubeflow", champion)
    spec = yaml.safe_load(file.read_text())
    assert load(kfp, file) == set(spec["root"]["dag"]["tasks"]) > {"ExampleGen", "DataGate", "Champion", "Pusher"}
    executors = spec["deploymentSpec"]["executors"]
    assert not [name for name, executor in executors.items() if "resolver" in executor]  # its backend has none
    assert executors["Champion_executor"]["importer"]["artifactUri"]["constant"] == f"{BUCKET}/champion"
    cached = {name for name, task in spec["root"]["dag"]["tasks"].items() if "cachingOptions" in task}
    assert "ExampleGen" not in cached  # no driver looks at the data before the cache is asked
    assert "Trainer" in cached


def test_the_kfp_sdk_takes_the_spec_for_vertex(job, kfp, tmp_path):
    content = json.loads(job.read_text())
    assert content["pipelineSpec"]["schemaVersion"] == "2.1.0"
    assert content["runtimeConfig"]["gcsOutputDirectory"] == f"{BUCKET}/root"
    (tmp_path / "spec.json").write_text(json.dumps(content["pipelineSpec"]))
    assert load(kfp, tmp_path / "spec.json") == set(content["pipelineSpec"]["root"]["dag"]["tasks"])


def test_the_same_config_gives_the_same_bytes(job, compiled):
    assert compiled("again.json", "engines.kubeflow.platform=vertex").read_bytes() == job.read_bytes()


def test_every_step_runs_from_the_spec_and_the_model_predicts(done):
    import tensorflow as tf

    [pushed] = done.outputs["Pusher"]["pushed_model"]
    assert pushed["metadata"]["pushed"] == 1
    [release] = (done.folder / "releases").iterdir()
    [examples] = done.outputs["ExampleGen"]["examples"]
    records = tf.data.TFRecordDataset(tf.io.gfile.glob(f"{examples['uri']}/Split-eval/*"), "GZIP").take(20)
    answer = tf.saved_model.load(str(release)).signatures["serving_default"]
    [scores] = answer(examples=tf.constant(list(records.as_numpy_iterator()))).values()
    assert scores.shape[0] == 20
    assert len(set(scores.numpy().ravel().tolist())) > 10


def test_the_driver_resolves_the_span_and_the_rows_are_accounted_for(done, flights_sample):
    [examples] = done.outputs["ExampleGen"]["examples"]
    found = examples["metadata"]
    assert "input_fingerprint" in found
    rows = sum(len(file.read_text().splitlines()) - 1 for file in flights_sample.glob("span-*/flights.csv"))
    parts = [value for name, value in found.items() if name.startswith(("rows_split_", "rows_rejected_"))]
    assert found["rows_read"] == rows == sum(parts)


def test_the_next_run_compares_its_candidate_with_the_champion(done):
    again = dataclasses.replace(done, outputs=dict(done.outputs), store=list(done.store))
    for task in ("Champion-model-blessing-resolver", "Champion-model-resolver"):
        assert again.run_task(task) == 0
    assert again.outputs["Champion-model-resolver"]["model"] == done.outputs["Trainer"]["model"]
    assert again.run_task("Evaluator") == 0, again.log("Evaluator")
    [blessing] = again.outputs["Evaluator"]["blessing"]
    assert blessing["metadata"]["baseline_model_id"] == done.outputs["Trainer"]["model"][0]["name"]
    assert blessing["metadata"]["blessed"] == 1  # no worse than itself


def test_a_blocked_gate_fails_its_container(done):
    spec = copy.deepcopy(done.spec)
    limits = spec["root"]["dag"]["tasks"]["DataGate"]["inputs"]["parameters"]["max_rejected"]["runtimeValue"]
    limits["constant"] = json.dumps({"missing_label": 0.001, "unparsable": 0})
    refusing = dataclasses.replace(done, spec=spec, outputs=dict(done.outputs), store=list(done.store))
    assert refusing.run_task("DataGate") == 1
    last = refusing.log("DataGate").strip().splitlines()[-1]
    assert last.startswith("flightline.DataBlocked: the data gate stopped the run: (rows): ")
    assert refusing.store == done.store  # no verdict
    assert "DataGate" in refusing.tasks["Transform"]["dependentTasks"]  # so that nothing is trained
