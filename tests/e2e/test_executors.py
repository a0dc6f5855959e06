"""The whole DAG on the same data with our executors, with TFX's own, and with those on Beam's workers elsewhere: every
artifact compared with TFX's own."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import run_comparison

from flightline.config.loader import load_config

LEAST = ("evaluation.thresholds={AUC: {lower: 0.5}}", "evaluation.per_slice=[]", "train.validation_share=0.2")
# A Python that has everything but this package.
WITHOUT_PACKAGE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("flightline", "pipeline", "models"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
"""
NODES = ("StatisticsGen", "SchemaGen", "ExampleValidator", "Transform", "Trainer", "Evaluator")


@pytest.fixture(scope="module")
def run_one(run, flights_sample, tmp_path_factory):
    """`run_one(name, *options)` → a run on one month, in the workspace of that name."""
    folder = tmp_path_factory.mktemp("executors")
    shutil.copytree(flights_sample / "span-06", folder / "data" / "span-06")

    def run_one(name, *options, run_id=None, **how):
        return run(folder / name, folder / "data", run_id or name, *options, settings=LEAST, **how)

    return run_one


@pytest.fixture(scope="module")
def stock(run_one):
    return run_one("stock", "--set", "engine.executors=stock")


@pytest.fixture(scope="module")
def fast(run_one):
    return run_one("fast")


@pytest.fixture(scope="module")
def portable(run_one):
    """Through Beam's job service, with workers in a pool: processes that the run starts and ends."""
    return run_one("portable", *on_portable(free_port(), free_port()), script="runner_beam.py")


@pytest.fixture(params=["fast", "portable"])
def both(request, stock):
    """(one of ours, stock)."""
    result = request.getfixturevalue(request.param)
    for one in (result, stock):
        assert one.code in (0, 4), one.err
    return result, stock


def on_portable(job, worker):
    endpoints = {"job_endpoint": job, "worker_endpoint": worker}
    settings = [f"engines.portable.{key}=localhost:{port}" for key, port in endpoints.items()]
    return "--engine", "portable", *(word for setting in settings for word in ("--set", setting))


def free_port():
    with closing(socket.socket()) as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def test_execution_types_in_ml_metadata_are_those_of_the_stock_components(both):
    ours, theirs = both
    for node in NODES:
        assert ours.steps[node].outputs.keys() == theirs.steps[node].outputs.keys()
        assert ours.steps[node].state == theirs.steps[node].state == "COMPLETE"


def test_row_counts_are_the_same(both):
    run_comparison.assert_same_row_counts(*both)


def test_examples(both):
    run_comparison.assert_same_examples(*both)


def test_examples_of_our_own_are_in_the_order_of_the_files(fast, stock):
    files = [sorted(run_comparison.output_path(r, "ExampleGen", "examples").glob("Split-*/*")) for r in (fast, stock)]
    assert [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


@pytest.mark.parametrize("split", ["train", "eval"])
def test_statistics(both, split):
    run_comparison.assert_same_statistics(*both, split)


def test_schema_and_anomalies(both):
    run_comparison.assert_same_schema_and_anomalies(*both)


def test_vocabularies(both):
    run_comparison.assert_same_vocabularies(*both)


@pytest.mark.parametrize("split", ["train", "eval"])
def test_transformed_examples(both, fast, split):
    run_comparison.assert_same_transformed_examples(*both, split, in_order=both[0] is fast)


def test_several_processes_of_this_machine_come_to_the_same_data(run_one, stock):
    result = run_one("multiprocess", "--engine", "multiprocess", "--to", "SchemaGen", script="runner_beam.py")
    assert result.code == 0, result.err
    run_comparison.assert_same_row_counts(result, stock)
    run_comparison.assert_same_examples(result, stock)
    run_comparison.assert_same_statistics(result, stock, "train")


def test_the_verdict_and_the_counts_of_every_slice(both, fast):
    run_comparison.assert_similar_models(*both, auc=0.01 if both[0] is fast else 0.1)


@pytest.mark.parametrize(("name", "executors"), [("fast", "stock"), ("portable", "fast")])
def test_the_same_model_is_measured_the_same(request, run_one, name, executors):
    """Another Evaluator on the model of a run, within its workspace."""
    first = request.getfixturevalue(name)
    options = ("--from", "Evaluator", "--to", "Evaluator", "--set", f"engine.executors={executors}")
    again = run_one(name, *options, run_id="again")
    assert again.code == 0, again.err
    run_comparison.assert_same_metrics(first, again)


def test_a_run_stops_the_processes_that_it_started(portable):
    running = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    settings = load_config(portable.folder / "config.yaml").engines.portable
    ports = [endpoint.rpartition(":")[2] for endpoint in (settings.job_endpoint, settings.worker_endpoint)]
    assert not [line for line in running.splitlines() for port in ports if f"port={port}" in line]


def test_workers_without_the_package_get_an_explained_error(run_one, tmp_path):
    """What they lack is on the last line, with what to do."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_PACKAGE)
    job, worker = free_port(), free_port()
    with service("portability.local_job_service_main", f"--port={job}", {}, job):  # noqa: SIM117
        with service("worker.worker_pool_main", f"--service_port={worker}", {"PYTHONPATH": str(tmp_path)}, worker):
            running = ("--set", "engines.portable.start_services=false")
            options = (*on_portable(job, worker), *running, "--to", "ExampleGen")
            result = run_one("lacking", *options, script="runner_beam.py")
    assert result.code == 1
    assert "ModuleNotFoundError: No module named 'flightline'" in result.last_line
    assert "install the project's wheel and requirements.lock there" in result.last_line
    assert "Traceback" not in result.out + result.err


@contextmanager
def service(module, port_flag, variables, port):
    """One of Beam's services, started by someone else."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # workers are started as `python`
    environment = {**os.environ, "PATH": path, **variables}
    process = subprocess.Popen(
        [sys.executable, "-m", f"apache_beam.runners.{module}", port_flag],
        env=environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _ in range(300):
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("localhost", port)) == 0:
                    break
            time.sleep(0.1)
        yield
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(10)
