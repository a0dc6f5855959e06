"""What a dry run checks before TensorFlow is loaded; the jobs it builds are tested in tests/integration."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from flightline.runs.dry_run.build import dry_run
from flightline.runs.request import RunRequest

ROOT = Path(__file__).resolve().parents[4]
CONFIG = ROOT / "configs" / "flights.yaml"
SETTINGS = "{project: my-project-123, region: europe-west1, bucket: gs://my-bucket, image: registry/flightline:1}"
COMPLETE = (
    "engine.name=dataflow",
    f"engines.dataflow={SETTINGS}",
    "data.input=gs://my-bucket/data",
    "pipeline_root=gs://my-bucket/artifacts",
)


@pytest.fixture
def refused(tmp_path, monkeypatch, capsys):
    """`refused(overrides, ...)` → exit code and last line; nothing may be left in the temporary folder."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def ask(overrides, sample=None, **request):
        code = dry_run(RunRequest(CONFIG, overrides, **request), "beam", sample)
        assert not list(tmp_path.glob("flightline-*"))
        return code, capsys.readouterr().err.strip().splitlines()[-1]

    return ask


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("engine.name=local",), "engine.name is local; add --engine dataflow"),
        ((*COMPLETE, "engines.dataflow.image=null"), "workers have neither this package nor its requirements"),
        ((*COMPLETE, "engines.dataflow.bucket=my-bucket"), "my-bucket is not a bucket"),
        ((*COMPLETE, "pipeline_root=artifacts"), "pipeline_root: artifacts is relative"),
        ((*COMPLETE, "label=lat"), "lat is not in"),
        ((*COMPLETE, "evaluation.thresholds={}", "evaluation.per_slice=[]"), "evaluation.thresholds is empty"),
    ],
)
def test_a_dry_run_makes_the_checks_of_a_run(refused, overrides, message):
    code, last = refused(overrides)
    assert code == 2
    assert message in last


def test_a_dry_run_cannot_be_partial(refused):
    assert refused(COMPLETE, from_node="Transform") == (
        2,
        "flightline: --dry-run builds all jobs and starts no run; leave out --from, --to and --run-id",
    )


def test_a_missing_sample_or_one_without_the_label_is_an_error(refused, tmp_path):
    assert "none.csv cannot be read" in refused(COMPLETE, sample=tmp_path / "none.csv")[1]
    (tmp_path / "other.csv").write_text("month,day\n1,2\n")
    code, last = refused(COMPLETE, sample=tmp_path / "other.csv")
    assert code == 2
    assert "label: late is not in the header" in last


def test_the_beam_runner_has_the_dry_run_option():
    """The engine of the config is the local one."""
    command = [sys.executable, "runner_beam.py", "--dry-run", "--json", "--sample", "none.csv"]
    ended = subprocess.run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    assert ended.returncode == 2
    assert ended.stdout == ""
    problem = "--dry-run builds Dataflow jobs, and engine.name is local"
    assert ended.stderr == f"flightline: {problem}; add --engine dataflow\n"
