"""Scoring reads labels, predictions and slice values of every row in one pass, or refuses with a reason."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_models import make_example, write_model, write_records
from tensorflow_model_analysis.proto import config_pb2

from flightline.executors.evaluator import scoring
from flightline.executors.evaluator.job import EvaluationJob
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError

KINDS = {"score": float, "origin": bytes}
ROWS: list[dict[str, list[Any]]] = [
    {"late": [i % 2], "month": [i % 3], "score": [i / 10], "origin": [b"EWR"] if i % 4 else []} for i in range(10)
]


def make_job(
    tmp_path: Path,
    rows: list[dict[str, list[Any]]] = ROWS,
    label: str = "late_xf",
    slices: tuple[str, ...] = ("origin", "month_xf"),
    champion: str | None = None,
    **model: Any,
) -> EvaluationJob:
    records = [make_example(row, KINDS) for row in rows]
    files = [write_records(tmp_path / "a.gz", records[:6]), write_records(tmp_path / "b", records[6:])]
    names = ["candidate", "baseline"] if champion else [""]
    paths = dict(zip(names, [write_model(tmp_path / "model", **model), champion], strict=False))
    specs = [
        config_pb2.ModelSpec(name=name, label_key=label, preprocessing_function_names=["transform_features"])
        for name in names
    ]
    slicing = [config_pb2.SlicingSpec(feature_keys=[key]) for key in slices]
    config = config_pb2.EvalConfig(model_specs=specs, slicing_specs=slicing)
    return EvaluationJob(config, paths, files, output_path="")


def test_row_order_does_not_depend_on_the_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "BATCH_ROWS", 4)
    done: list[int] = []
    scored = scoring.score_examples(make_job(tmp_path), done.append)
    assert done == [4, 6, 10]
    assert scored.num_rows == 10
    np.testing.assert_array_equal(scored.scores[""].labels, [i % 2 for i in range(10)])
    np.testing.assert_array_equal(scored.scores[""].predictions, np.arange(10, dtype=np.float32) / 10)
    assert slice_values(scored, "month_xf") == [i % 3 for i in range(10)]
    assert slice_values(scored, "origin") == [b"EWR" if i % 4 else None for i in range(10)]


def test_labels_may_be_raw_features(tmp_path: Path) -> None:
    scored = scoring.score_examples(make_job(tmp_path, label="late"))
    np.testing.assert_array_equal(scored.scores[""].labels, [i % 2 for i in range(10)])


def test_candidate_and_champion_are_scored_in_one_pass(tmp_path: Path) -> None:
    champion = write_model(tmp_path / "champion")
    done: list[int] = []
    scored = scoring.score_examples(make_job(tmp_path, champion=champion), done.append)
    assert scored.scores.keys() == {"candidate", "baseline"}
    assert done[-1] == 10


def slice_values(scored: scoring.ScoredRows, name: str) -> list[Any]:
    column = scored.slice_columns[name]
    return [None if code < 0 else column.values[code] for code in column.codes()]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ({"outputs": 2}, "2 outputs: output_0, output_1"),
        ({"width": 3}, r"prediction has shape \(6, 3\)"),
        ({"dense_input": True}, r"'serving_default' takes \['score'\], not serialized examples"),
        ({"transforms": "other"}, "no signature 'transform_features'"),
        ({"label": "missing"}, "rows without the label 'missing'"),
        ({"label": "origin"}, "rows without the label 'origin'"),
        ({"slices": ("score_xf",)}, "'score_xf' is of type float32"),
        ({"rows": []}, "no examples"),
        ({"rows": [*ROWS, {**ROWS[0], "late": [-1]}]}, "label 'late_xf' is -1"),
        ({"rows": [*ROWS, {**ROWS[0], "score": [float("nan")]}]}, "prediction is NaN"),
        ({"rows": [*ROWS, {**ROWS[0], "origin": [b"EWR", b"JFK"]}]}, "'origin' has several values"),
    ],
)
def test_unsupported_models_and_data_are_refused(tmp_path: Path, model: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedEvaluationError, match=reason):
        scoring.score_examples(make_job(tmp_path, **model))


def test_strings_as_labels_are_refused(tmp_path: Path) -> None:
    rows = [{**row, "origin": [b"EWR"]} for row in ROWS]
    with pytest.raises(UnsupportedEvaluationError, match="label 'origin' is of type object"):
        scoring.score_examples(make_job(tmp_path, rows=rows, label="origin"))


def test_models_with_different_slice_values_are_refused(tmp_path: Path) -> None:
    champion = write_model(tmp_path / "champion", shift=1)
    with pytest.raises(UnsupportedEvaluationError, match="'month_xf' differently"):
        scoring.score_examples(make_job(tmp_path, champion=champion))


def test_a_preprocessing_signature_missing_in_the_model_spec_is_refused(tmp_path: Path) -> None:
    job = make_job(tmp_path, transforms="transformed_features")
    config = config_pb2.EvalConfig(model_specs=[config_pb2.ModelSpec(label_key="late")])
    with pytest.raises(UnsupportedEvaluationError, match="does not name"):
        scoring.score_examples(dataclasses.replace(job, eval_config=config))
