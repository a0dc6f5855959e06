"""`make simulate` on a sample: serve, log, label, monitor, retrain on an alert, roll back."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from flightline.config.loader import load_config
from flightline.metadata.runs import Runs
from flightline.monitoring.history import read_history
from flightline.releases import audit_log
from flightline.releases.release import read_releases
from flightline.serving.log_files import read_log

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (
    "evaluation.thresholds={AUC: {lower: 0.6, vs_champion: 0.4}}",
    "evaluation.per_slice=[]",
    "gate.max_rejected.missing_label=0.2",
    "gate.policy.drift=ignore",  # a few hundred rows of one month and of the next are far apart by chance
    "monitoring.min_rows=200",
    "monitoring.min_labels=200",
    "train.epochs=1",
)


@pytest.fixture(scope="module")
def simulated(flights_sample, tmp_path_factory):
    """(the ended command, its workspace)."""
    workspace = tmp_path_factory.mktemp("simulation") / "workspace"
    command = [sys.executable, "-m", "scripts.simulation", "--data", str(flights_sample), "--workspace", str(workspace)]
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    ended = subprocess.run(
        [*command, "--last-month", "4", *settings], cwd=ROOT, capture_output=True, text=True, check=False, timeout=900
    )
    assert ended.returncode == 0, f"{ended.stdout}{ended.stderr}{(workspace / 'simulation.log').read_text()[-4000:]}"
    return ended, workspace


@pytest.fixture(scope="module")
def months(simulated):
    return json.loads((simulated[1] / "timeline.json").read_text())


@pytest.fixture(scope="module")
def config(simulated):
    return load_config(simulated[1] / "simulation.yaml")


def test_every_month_is_served_and_compared_with_the_first_model(months):
    assert [month["name"] for month in months] == ["month-03", "month-04"]
    for month in months:
        assert month["answered_rows"] > 500
        assert 0.5 < month["auc"] < 1
        assert 0.5 < month["baseline_auc"] < 1
    assert months[0]["served_release"] != months[1]["served_release"] == months[0]["new_release"]
    assert months[0]["auc"] == months[0]["baseline_auc"]  # it was the first release that answered
    assert months[1]["auc"] != months[1]["baseline_auc"]


def test_all_requests_are_logged_and_monitored(months, config):
    log = read_log(config.workspace / "predictions" / config.name)
    assert log.num_rows == sum(month["answered_rows"] for month in months) + sum(
        month["rejected_rows"] > 0 for month in months
    )
    windows = [past.result.window for past in read_history(Runs.open(config), config)]
    assert [window.answered_rows for window in windows] == [month["answered_rows"] for month in months]
    assert [sum(window.labelled["served"].values()) for window in windows] == [month["labels"] for month in months]


def test_an_alert_starts_training_runs_and_is_recorded_as_their_reason(months, config):
    runs = Runs.open(config)
    for month in months:
        assert month["alerts"]
        assert runs.get(month["retraining_run"]).properties["reason"].startswith("alert ")
    reasons = [
        entry.facts["reason"] for entry in audit_log.verify(config.workspace) if entry.event == "retrain started"
    ]
    assert len(reasons) == 2


def test_one_release_is_rolled_back_and_the_server_serves_the_previous_one(simulated, months, config):
    assert [month["rolled_back_to"] for month in months if month["rolled_back_to"]]
    assert "rolled back from" in simulated[0].stdout
    assert "it was served" in simulated[0].stdout
    events = [entry.event for entry in audit_log.verify(config.workspace)]
    assert events.count("rolled back") == 1
    assert len(read_releases(config.releases)) == 3


def test_the_result_is_a_timeline(simulated, months):
    out = simulated[0].stdout
    assert "never retrained" in out
    assert all(f"{month['auc']:.4f}" in out for month in months)
    page = (simulated[1] / "timeline.html").read_text()
    assert page.count("<circle") == 4
    assert "<script" not in page
