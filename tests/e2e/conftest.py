"""Whole runs of the pipeline, shared among the tests of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pipeline_runs import Result, run_flightline, run_pipeline, start_pipeline
from preloaded_python import PreloadedPython

from flightline.releases.release import CURRENT_FILE
from flightline.utils.files import atomic_write


@pytest.fixture(scope="session")
def preloaded() -> Iterator[PreloadedPython]:
    """`preloaded(arguments, out)` → the exit code of `python ARGUMENTS`, TFX having been imported before."""
    with PreloadedPython() as process:
        yield process


@pytest.fixture(scope="session")
def run(preloaded):
    """`run(workspace, data, run_id, *options)` → Result. Cheap: only its own work is paid for."""
    return partial(run_pipeline, preloaded=preloaded)


@pytest.fixture(scope="session")
def run_fresh():
    """The same in a process that a user would start: for what is about its start, its end and its screen."""
    return run_pipeline


@pytest.fixture(scope="session")
def start():
    """`start(workspace, data, run_id, *options)` → the process."""
    return start_pipeline


@pytest.fixture(scope="session")
def command():
    """`command(workspace, "runs", "--json")` → the completed process."""
    return run_flightline


@pytest.fixture(scope="session")
def trained(flights_sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """One whole run on the sample, on the local runner; shared, since it is the dearest thing in the suite."""
    return run_pipeline(tmp_path_factory.mktemp("trained") / "workspace", flights_sample, "first")


@pytest.fixture(scope="session")
def again(trained: Result, flights_sample: Path) -> Result:
    """A second run in the same workspace, with other settings: its champion is the first run's model. It ends before
    it could be released: the workspace is shared, and its champion with it."""
    settings = ("--set", "train.epochs=1", "--set", "train.min_steps=60", "--to", "Evaluator")
    result = run_pipeline(trained.workspace, flights_sample, "answers", *settings)
    assert result.code == 0, result.err
    return result


@pytest.fixture(autouse=True)
def restore_current_release(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a test releases in the shared workspace, the next one finds there what `trained` left."""
    yield
    if "trained" in request.fixturenames:
        trained = request.getfixturevalue("trained")
        atomic_write(trained.workspace / "releases" / "flights" / CURRENT_FILE, f"{trained.current}\n")
