"""`summary.json`: written whole, read back equal, and refused with a clear error where it is damaged."""

import json

import pytest
from report_examples import make_summary

from flightline.errors import InputError
from flightline.executors.data_gate.findings import FeatureDrift, Finding
from flightline.metadata.evaluation import Evaluation, MissedThreshold, SliceGap
from flightline.metadata.tuning import Trial, TuningResult
from flightline.reporting.summary import SUMMARY_JSON, SpanSummary, Summary

GAP = SliceGap("auc", "origin", 0.05, 100, 2, "origin=LGA", 0.95, 390, "origin=JFK", 0.9, 600, [])


def test_summary_is_read_back_equal(tmp_path):
    metrics = {"overall": {"auc": 0.94}}
    missed = [MissedThreshold("auc", "overall", None, "≥", 0.9), GAP.missed_threshold]
    summary = make_summary(
        evaluation=Evaluation(metrics, metrics, missed, False, ["origin"], gaps=[GAP]),
        findings=[Finding("a", "K", "p", 1)],
        span=SpanSummary(3, "03", ["01", "02"], ""),
        drift=[FeatureDrift("temp", "Jensen-Shannon divergence", 0.1, 0.2)],
        search=TuningResult("val_loss", [Trial("00", {"train.epochs": 2}, None)]),
    )
    summary.write(tmp_path)
    assert Summary.read(tmp_path) == summary
    json.dumps(summary.to_dict(), allow_nan=False)


def test_run_without_a_summary_has_none(tmp_path):
    assert Summary.read(tmp_path) is None
    assert Summary.read(tmp_path / "no such run") is None
    assert Summary.read_if_valid(tmp_path) is None


@pytest.mark.parametrize("text", ["{", "[]", "7", '{"run_id": "a"}', '{"run_id": "a", "findings": ["x"]}', "\xff"])
def test_damaged_summary_is_an_error_that_names_the_file(tmp_path, text):
    (tmp_path / SUMMARY_JSON).write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"summary\.json is not a run's summary: .*; run again, or restore the file"):
        Summary.read(tmp_path)
    assert Summary.read_if_valid(tmp_path) is None


def test_unknown_field_is_an_error(tmp_path):
    (tmp_path / SUMMARY_JSON).write_text(json.dumps({**make_summary().to_dict(), "colour": "red"}))
    with pytest.raises(InputError, match="colour"):
        Summary.read(tmp_path)


def test_folder_in_place_of_the_file_is_an_error(tmp_path):
    (tmp_path / SUMMARY_JSON).mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        Summary.read(tmp_path)
