"""MLflow that is missing or unreachable: the run goes on and prints one warning."""

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
    """`config_for(uri)` → a config whose workspace has one run."""
    RunRecorder(tmp_path / "metadata.db").run("a", {"ExampleGen": {"state": "FAILED", "message": "no rows"}})

    def config_for(uri, **more):
        raw = {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path), "data": {"input": "data"}}
        (tmp_path / "flights.yaml").write_text(yaml.safe_dump({**raw, "tracking": {"mlflow": uri, **more}}))
        return load_config(tmp_path / "flights.yaml")

    return config_for


@pytest.fixture
def printed(config_for):
    """`printed(uri)` → the output of a run about MLflow."""

    def printed(uri, **more):
        out = io.StringIO()
        tracking.track_finished_run(config_for(uri, **more), "a", Console(file=out, width=500))
        return out.getvalue()

    return printed


@pytest.fixture
def closed_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]  # bound and not listening: connections are refused


def test_without_a_store_nothing_is_printed_or_imported(printed, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)  # importing it would raise
    assert printed(None) == ""


def test_unreachable_server_is_one_warning(printed, closed_port):
    line = printed(f"http://127.0.0.1:{closed_port}")
    assert len(line.splitlines()) == 1
    assert f"not logged to MLflow: MLflow at http://127.0.0.1:{closed_port} cannot be reached" in line


def test_server_that_does_not_answer_times_out_as_configured(printed):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        # MLflow's default is seven tries of two minutes each.
        assert "timed out" in printed(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=1)


def test_missing_mlflow_package_is_one_warning_with_the_install_command(printed, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert "pip install 'flightline[mlflow]'" in printed("embedded")


def test_damaged_store_is_one_warning(printed, tmp_path):
    (tmp_path / "mlflow.db").write_text("this is not a database, and longer than the header of a page " * 20)
    line = printed("embedded")
    assert len(line.splitlines()) == 1
    assert "cannot be reached" in line


def test_request_timeouts_end_with_the_connection(config_for, closed_port, monkeypatch):
    monkeypatch.setenv(RETRIES, "5")
    with pytest.raises(UsageError), connect(config_for(f"http://127.0.0.1:{closed_port}")):
        pass
    assert os.environ[RETRIES] == "5"
    assert "MLFLOW_HTTP_REQUEST_TIMEOUT" not in os.environ


def test_rollback_without_mlflow_reports_that_the_alias_was_not_moved(config_for, closed_port):
    assert tracking.sync_champion_alias(config_for(None), "7") is None
    line = tracking.sync_champion_alias(config_for(f"http://127.0.0.1:{closed_port}"), "7")
    assert "the alias champion was not moved to release 7" in line
    assert "cannot be reached" in line


def test_failed_run_is_logged_as_killed(printed, config_for):
    import mlflow

    assert "MLflow   run " in printed("embedded")
    config = config_for("embedded")
    with connect(config) as client:
        [found] = client.search_runs([client.get_experiment_by_name("flights").experiment_id])
    assert found.data.tags["tfx.run_id"] == "a"
    assert found.info.status == "KILLED"  # it left no summary
    line = tracking.sync_champion_alias(config, "7")
    assert "release 7 of flights is not registered in MLflow" in line
    assert not mlflow.active_run()
