"""Classes and amounts, from a table to its monitoring: every command a user has, none of them told the task again."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from project_commands import ProjectCommands

from flightline.config.loader import load_config
from flightline.releases.release import read_releases
from flightline.releases.server import prediction_log_folder
from flightline.serving.log_batch import LogEntry
from flightline.serving.prediction_log import PredictionLog
from flightline.serving.release import load_release
from flightline.serving.settings import LogSettings

LABEL = "target"
T0 = int(time.time()) - 1000


@dataclass
class Released:
    """A table and what was made of it."""

    frame: pd.DataFrame
    commands: ProjectCommands
    summary: dict[str, Any]

    @property
    def config(self):
        return load_config(self.commands.folder / "configs" / "own.yaml", [f"workspace={self.workspace}"])

    @property
    def workspace(self) -> Path:
        return self.commands.folder / "workspace"

    @property
    def metrics(self) -> dict[str, float]:
        return self.summary["evaluation"]["metrics"]["overall"]


def wine() -> pd.DataFrame:
    from sklearn.datasets import load_wine

    frame = load_wine(as_frame=True).frame
    frame[LABEL] = frame[LABEL].map({0: "Barolo", 1: "Grignolino", 2: "Barbera d'Asti"})
    return frame


def diabetes() -> pd.DataFrame:
    from sklearn.datasets import load_diabetes

    return load_diabetes(as_frame=True, scaled=False).frame


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """`released(make)` → the table of that name after `init` and a run; each is made once."""
    made: dict[str, Released] = {}

    def release(make) -> Released:
        if make.__name__ not in made:
            commands = ProjectCommands(tmp_path_factory.mktemp(make.__name__))
            frame = make()
            frame.to_csv(commands.folder / "table.csv", index=False)
            commands.init("table.csv", "--label", LABEL)
            ended = commands.run()
            assert ended.returncode == 0, ended.stderr
            made[make.__name__] = Released(frame, commands, commands.summary)
        return made[make.__name__]

    return release


def test_a_multiclass_model_is_trained_and_released(released):
    found = released(wine)
    assert found.config.classes == ("Barbera d'Asti", "Barolo", "Grignolino")
    assert found.metrics["sparse_categorical_accuracy"] > 0.9
    assert found.summary["release"]


@pytest.mark.slow
def test_a_regression_model_is_trained_and_released(released):
    found = released(diabetes)
    assert found.metrics["root_mean_squared_error"] < 0.8 * found.frame[LABEL].std()
    assert found.metrics["squared_pearson_correlation"] > 0.35
    assert found.summary["release"]


def test_scoring_gives_each_row_its_class_and_the_probabilities_of_all(released):
    found = released(wine)
    table = score(found)
    assert list(table["label"] == found.frame[LABEL]).count(True) > 0.9 * len(found.frame)
    shares = table[[f"probability_{name}" for name in found.config.classes]]
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_array_equal(shares.max(axis=1), table["probability"])


@pytest.mark.slow
def test_scoring_gives_each_row_its_amount(released):
    found = released(diabetes)
    assert np.corrcoef(score(found)["prediction"], found.frame[LABEL])[0, 1] > 0.6


@pytest.mark.parametrize(
    ("make", "metric"),
    [(wine, "SparseCategoricalAccuracy"), pytest.param(diabetes, "MeanAbsoluteError", marks=pytest.mark.slow)],
)
def test_monitoring_measures_the_performance_of_served_predictions(released, make, metric):
    found = released(make)
    expected = predict_all(found)
    before = run_monitor(found, "before", "--set", "monitoring.min_rows=50")  # no label has come back yet
    skew = [one for one in before if one["kind"] == "skew"]
    assert skew  # of columns that `init` proposed a comparator for
    assert not [one for one in skew if one["value"] > one["threshold"]], "the served rows are the training data"
    feedback = found.commands.flightline("feedback", "labels.csv", *found.commands.config)
    assert feedback.returncode == 0, feedback.stderr
    monitoring = {"min_rows": 50, "min_labels": 50, "performance": f"{{{metric}: {{limit: {expected}}}}}"}
    settings = [word for key, value in monitoring.items() for word in ("--set", f"monitoring.{key}={value}")]
    [measure] = [one for one in run_monitor(found, "after", *settings) if one["kind"] == "performance"]
    assert (measure["subject"], measure["rows"]) == (metric, len(found.frame))
    assert measure["value"] == pytest.approx(expected, rel=1e-5)


def run_monitor(found: Released, run_id: str, *options: str) -> list[dict[str, Any]]:
    """The measures of `flightline monitor` on all requests until now."""
    bounds = ("--since", moment(T0 - 1), "--until", moment(time.time() + 2))
    ended = found.commands.flightline(
        "monitor", "--run-id", run_id, *bounds, "--plain", *options, *found.commands.config
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return json.loads((found.workspace / "runs" / run_id / "monitoring.json").read_text())["measures"]


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(seconds))


def score(found: Released) -> pd.DataFrame:
    output = found.commands.folder / "scored"
    ended = found.commands.flightline(
        *("score", "--input", "table.csv", "--output", output, "--plain"), *found.commands.config
    )
    assert ended.returncode == 0, ended.stderr
    table = pq.read_table(output / "predictions.parquet").to_pandas()
    assert len(table) == len(found.frame)
    return table


def predict_all(found: Released) -> float:
    """Predict every row as the server does, write its log and the labels file, and return the metric."""
    [current] = [one for one in read_releases(found.config.releases) if one.current]
    release = load_release(Path(current.path))
    features = found.frame.drop(columns=LABEL)
    rows = release.contract.read_rows(json.loads(features.to_json(orient="records")))
    predictions = release.contract.target.to_predictions(release.predict(rows.examples), 0.5)
    log = PredictionLog(LogSettings(prediction_log_folder(found.config), flush_s=0.01))
    known = {"columns": rows.columns, "scores": predictions.scores, "labels": predictions.labels}
    assert log.append(LogEntry(T0 * 1_000_000, "all", release.contract, release.version, "current", 1.0, **known))
    log.close()
    labels = pd.DataFrame({"request_id": "all", "row": range(len(features)), LABEL: found.frame[LABEL]})
    labels.to_csv(found.commands.folder / "labels.csv", index=False)
    if predictions.labels is None:
        return float(np.abs(predictions.scores - found.frame[LABEL]).mean())
    return float((predictions.labels == found.frame[LABEL]).mean())
