"""`flightline monitor`: windows compared with the training data, the previous window, and labels."""

from __future__ import annotations

import json
import time

import pytest
from fake_production import START_S, FakeProduction, labelled_flights, plausible_probabilities

from flightline.metadata.runs import Runs
from flightline.releases import audit_log
from flightline.releases.lineage import trace_lineage


@pytest.fixture(scope="module")
def flights(flights_sample, trained):
    """(rows, labels): flights of every month that have arrived, in turns."""
    return labelled_flights(trained, sorted(flights_sample.glob("span-*/flights.csv")), 60)


@pytest.fixture(scope="module")
def production(trained, preloaded, tmp_path_factory):
    return FakeProduction(trained, preloaded, tmp_path_factory.mktemp("production"))


@pytest.fixture(scope="module")
def calm(production, flights):
    """The first window: flights as they were trained on, answered well."""
    rows, labels = flights
    production.answer("calm", rows, plausible_probabilities(rows), at=0)
    production.send_feedback("calm", labels)
    # Labels came back now, which has to be within the window that judges them.
    return production.monitor("calm", until=time.time() - START_S + 1)


@pytest.fixture(scope="module")
def stormy(calm, production, flights):
    """The second: another climate, answers that are upside down; with a run that an alert starts."""
    assert calm.code == 0, calm.err
    rows, labels = flights
    time.sleep(1.1)
    begin = time.time() - START_S + 1
    hot = [{**row, "temp": row.get("temp", 50.0) * 0.2 + 100} for row in rows]
    production.answer("stormy", hot, 1 - plausible_probabilities(rows), at=int(begin) + 1)
    time.sleep(3)
    production.send_feedback("stormy", labels)
    return production.monitor("stormy", time.time() - START_S + 1, "--retrain")


def test_a_window_like_the_training_data_raises_no_alert(calm, production, flights):
    assert calm.code == 0, calm.err
    rows = len(flights[0])
    assert f"answered {rows:,}; labelled {rows:,}" in calm.out
    assert "Alerts    none firing" in calm.out
    measures = production.measures("calm")
    assert measures["skew:temp"]["value"] < measures["skew:temp"]["threshold"]
    assert not [name for name in measures if name.startswith("drift")]  # there is no window before
    assert measures["performance:AUC"]["rows"] == rows


def test_the_lineage_of_a_window_leads_to_the_training_data(calm, production):
    runs = Runs.open(production.config)
    run = runs.get("calm")
    assert run.pipeline == "flights-monitoring"
    types = {node: sorted(step.inputs) for node, step in run.steps.items()}
    assert types["WindowMonitor"] == ["evaluation", "schema", "statistics", "training_statistics"]
    [training] = run.steps["WindowMonitor"].inputs["training_statistics"]
    assert runs.producer_run_id(training) == production.release.metadata["run"]
    assert runs.get("latest").run_id != "calm"


def test_tfma_reads_the_evaluation_of_a_window(calm, production):
    import tensorflow_model_analysis as tfma

    evaluation = Runs.open(production.config).get("calm").steps["Evaluator"].output("evaluation")
    slices = dict(tfma.load_eval_result(evaluation.uri).slicing_metrics)
    assert (("_source", "served"),) in slices
    assert "stock executor" not in calm.out


def test_changed_features_are_reported_with_exit_code_5(stormy, production):
    assert stormy.code == 5, stormy.err
    assert stormy.err.strip().splitlines()[-1].startswith("flightline: performance:AUC: ")
    measures = production.measures("stormy")
    for name in ("skew:temp", "drift:temp", "prediction_drift"):
        assert measures[name]["value"] > measures[name]["threshold"], name
    assert measures["drift:distance"]["value"] < measures["drift:distance"]["threshold"]
    assert measures["performance:AUC"]["value"] < 0.5


def test_alerts_are_written_to_the_files_and_the_run(stormy, production):
    folder = production.config.monitoring_folder
    told = [json.loads(line) for line in (folder / "alerts.jsonl").read_text().splitlines()]
    assert {(one["event"], one["alert"]) for one in told} >= {("raised", "drift:temp"), ("raised", "skew:temp")}
    metrics = (folder / "flightline.prom").read_text()
    assert 'flightline_alert_firing{alert="drift:temp",severity="warning"} 1.0' in metrics
    about = Runs.open(production.config).get("stormy").properties
    assert "drift:temp" in about["alerts"]


def test_an_alert_starts_one_run_and_its_reason_is_kept(stormy, production):
    assert "starting a training run: alert performance:AUC" in stormy.out
    assert "Nothing has changed" in stormy.out  # the same data, config and code: there is nothing to learn
    events = [(e.event, e.facts.get("reason", "")) for e in audit_log.read(production.config.workspace)]
    assert next(reason for event, reason in events if event == "retrain started").startswith("alert performance:AUC")


def test_the_retraining_budget_is_respected(stormy, production):
    ended = production.monitor("spent", time.time() - START_S + 2, "--retrain")
    assert ended.code == 5
    assert "no run started for alert no_traffic, performance:AUC" in ended.out
    assert "the limit is 1 in 24 hours" in ended.out
    # No request came in the meantime: nothing was compared, and no alert ended by that.
    assert {"no_traffic"} == set(production.measures("spent"))
    assert "drift:temp" in ended.out


def test_the_report_shows_served_and_training_data(stormy, production):
    page = (production.config.run_folder("stormy") / "report.html").read_text()
    assert "Drift from the previous window" in page
    assert "performance:AUC" in page
    assert page.count("<svg") > 20
    assert "<script" not in page


def test_the_lineage_of_a_window_includes_the_release(stormy, production):
    found = trace_lineage(Runs.open(production.config), production.config, f"release:{production.release.version}")
    assert found


def test_a_window_that_ends_before_it_starts_is_rejected(stormy, production):
    ended = production.monitor("backwards", 1)
    assert ended.code == 2
    assert "the window ends before it begins" in ended.err
