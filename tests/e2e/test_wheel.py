"""The wheel, as a remote Beam worker gets it: in an environment that has never seen this folder."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    [built] = out.glob("*.whl")
    return built


def test_it_carries_the_pipeline_the_models_the_server_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {
        "pipeline/training.py",
        "flightline/executors/example_gen/tables.py",
        "flightline/modeling/transforms.py",
    } <= set(names)
    templates = (ROOT / "flightline" / "reporting" / "html" / "templates").rglob("*.*")
    assert {str(path.relative_to(ROOT)) for path in templates} <= set(names)
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"flightline", "pipeline", "models"}


@pytest.mark.slow
def test_it_installs_in_a_clean_environment_and_imports(wheel, tmp_path):
    environment = tmp_path / "clean"
    python = environment / "bin" / "python"
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    # Its own requirements, at the versions of the lock.
    constraints = tmp_path / "constraints.txt"
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    constraints.write_text("\n".join(line.rstrip(" \\") for line in lines if line[:1].isalnum()))
    install = [UV, "pip", "install", "--quiet", "--python", python, "--constraint", constraints, wheel]
    subprocess.run(install, check=True)
    script = "import pipeline.training, models.trainer, models.preprocessing; print(pipeline.training.__file__)"
    ended = subprocess.run([python, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert Path(ended.stdout.split()[-1]).is_relative_to(environment)
    helped = subprocess.run([environment / "bin" / "flightline", "--help"], capture_output=True, text=True, check=True)
    assert "releases" in helped.stdout
