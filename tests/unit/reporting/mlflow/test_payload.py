import math
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name
from report_examples import HOSTILE_TEXT, METRICS, make_report_data, make_summary

from flightline.metadata.evaluation import Evaluation
from flightline.reporting.html.data import StepFacts, TrainingHistory
from flightline.reporting.mlflow import payload


def test_metrics_of_slices_champion_rows_and_training():
    found = {(metric.name, metric.step): metric.value for metric in payload.run_metrics(make_report_data())}
    assert found["auc", 0] == 0.94
    assert found["origin:LGA/auc", 0] == 0.9
    assert found["champion/auc", 0] == 0.94
    assert found["rows/read", 0] == 1100
    assert found["rows/train", 0] == 60
    assert found["rows/rejected/missing_label", 0] == 40
    assert found["seconds/Trainer", 0] == 9.0
    assert found["training/loss", 2] == 0.5
    assert found["training/validation_loss", 2] == 0.55


def test_nan_and_infinity_are_left_out():
    odd = {"overall": {"auc": math.nan, "recall": math.inf, "precision": 0.5}}
    summary = make_summary(evaluation=Evaluation(odd, {}, [], None, []))
    steps = [StepFacts("Pusher", "not run")]
    training = TrainingHistory([(1, None)], [(1, None, None)], 1, None, {})
    found = payload.run_metrics(make_report_data(summary=summary, steps=steps, training=training))
    assert [metric.name for metric in found if not metric.name.startswith("rows/")] == ["precision"]


@given(st.lists(st.text(st.characters(codec=None), max_size=300).map(lambda text: f"origin={text}"), unique=True))
def test_slice_names_are_valid_in_mlflow_and_distinct(slices):
    names = [f"{payload.slice_prefix(name)}/auc" for name in slices]
    for name in names:
        _validate_metric_name(name)
    assert len(set(names)) == len(names)


def test_simple_slice_names_stay_readable():
    assert payload.slice_prefix("origin=JFK") == "origin:JFK"
    assert payload.slice_prefix("origin=JFK,month=2") == "origin:JFK month:2"
    assert payload.slice_prefix("city=São Paulo").startswith("city:São Paulo-")


def test_settings_are_parameters_except_model_card_and_storage():
    config = "name: flights\nworkspace: w\ntrain: {epochs: 2}\nmodel_card: {owners: us}\ntracking: {mlflow: embedded}\n"
    assert payload.run_params(make_report_data(config=config)) == {"name": "flights", "train.epochs": "2"}


def test_long_values_are_cut_to_the_limit_of_mlflow():
    assert len(payload.run_params(make_report_data(config=f"label: {'x' * 9000}"))["label"]) == 6000


def test_tags_have_the_run_its_commit_and_its_exit_code():
    failed = make_summary(exit_code=4, failure="auc is too low")
    tags = payload.run_tags(make_report_data(summary=failed))
    assert tags["tfx.run_id"] == "first"
    assert tags["flightline.exit_code"] == "4"
    assert tags["mlflow.note.content"] == "auc is too low"
    assert tags["mlflow.source.git.commit"] == "0123abc"
    assert tags["flightline.git_dirty"] == "true"
    assert tags["digest.data"] == "ff" * 32


def test_the_status_of_an_mlflow_run_follows_the_exit_code():
    ended = {
        code: payload.run_status(make_report_data(summary=make_summary(exit_code=code))) for code in (0, 1, 3, 4, 130)
    }
    assert ended == {0: "FINISHED", 1: "FAILED", 3: "FAILED", 4: "FAILED", 130: "KILLED"}
    assert payload.run_status(make_report_data(summary=None)) == "KILLED"


def test_a_hostile_slice_is_only_a_name():
    hostile = replace(make_summary().evaluation, metrics={"overall": METRICS, f"origin={HOSTILE_TEXT}": METRICS})
    for metric in payload.run_metrics(make_report_data(summary=make_summary(evaluation=hostile))):
        _validate_metric_name(metric.name)
