"""MLflow that is not there: a run goes on, and says so in one line."""

import io
import os
import socket
import sys

import pytest
import yaml
from rich.console import Console
from run_store import RunRecorder

from flightline.config.loader import load_config
from flightline.errors import UsageError
from flightline.reporting import mlflow as tracking
from flightline.reporting.mlflow.connection import connect

RETRIES = "MLFLOW_HTTP_REQUEST_MAX_RETRIES"


@pytest.fixture
def config_for(tmp_path):
    """`config_for(uri)` → a config whose workspace holds one run."""
    RunRecorder(tmp_path / "metadata.db").run("a", {"ExampleGen": {"state": "FAILED", "message": "no rows"}})

    def config_for(uri, **more):
        raw = {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path), "data": {"input": "data"}}
        (tmp_path / "flights.yaml").write_text(yaml.safe_dump({**raw, "tracking": {"mlflow": uri, **more}}))
        return load_config(tmp_path / "flights.yaml")

    return config_for


@pytest.fixture
def said(config_for):
    """`said(uri)` → what the run's screen says of tracking."""

    def said(uri, **more):
        out = io.StringIO()
        tracking.track_finished_run(config_for(uri, **more), "a", Console(file=out, width=500))
        return out.getvalue()

    return said


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]  # bound and not listening: whoever connects is refused


def test_nothing_is_said_or_loaded_where_nothing_is_tracked(said, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # importing it would raise
    assert said(None) == ""


def test_a_server_that_is_down_costs_one_line(said, closed_port):
    line = said(f"http://127.0.0.1:{closed_port}")
    assert len(line.splitlines()) == 1
    assert f"not tracked: MLflow at http://127.0.0.1:{closed_port} cannot be reached" in line


def test_a_server_that_never_answers_is_waited_for_no_longer_than_asked(said):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        # MLflow by itself would take seven tries of two minutes each.
        assert "timed out" in said(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=1)


def test_mlflow_that_is_not_installed_is_named(said, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert "pip install 'flightline[mlflow]'" in said("embedded")


def test_a_store_that_is_no_database_costs_one_line(said, tmp_path):
    (tmp_path / "mlflow.db").write_text("this is no database, and longer than a page's header would be " * 20)
    line = said("embedded")
    assert len(line.splitlines()) == 1
    assert "cannot be reached" in line


def test_the_bounds_are_for_the_one_call(config_for, closed_port, monkeypatch):
    monkeypatch.setenv(RETRIES, "5")
    with pytest.raises(UsageError), connect(config_for(f"http://127.0.0.1:{closed_port}")):
        pass
    assert os.environ[RETRIES] == "5"
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


def test_a_rollback_is_told_that_mlflow_was_not(config_for, closed_port):
    assert tracking.sync_champion_alias(config_for(None), "7") is None
    line = tracking.sync_champion_alias(config_for(f"http://127.0.0.1:{closed_port}"), "7")
    assert "was not told of release 7" in line
    assert "cannot be reached" in line


def test_a_run_that_failed_early_is_tracked_too(said, config_for):
    import mlflow

    assert "Tracked" in said("embedded")
    config = config_for("embedded")
    with connect(config) as client:
        [found] = client.search_runs([client.get_experiment_by_name("flights").experiment_id])
    assert found.data.tags["tfx.run_id"] == "a"
    assert found.info.status == "KILLED"  # it left no summary
    line = tracking.sync_champion_alias(config, "7")
    assert "release 7 of flights is not registered in MLflow" in line
    assert not mlflow.active_run()
