"""`flightline score`: every row is predicted or rejected, with the same prediction as by the endpoint."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pipeline_runs import ROOT
from raw_rows import evaluator_predictions, read_raw_rows

from scripts.simulation.server import free_ports

BAD = {3: ("month", "13"), 5: ("dep_delay", ""), 7: ("hour", "abc"), 9: ("origin", "BOS")}


def flightline(trained, *arguments):
    config = str(trained.folder / "config.yaml")
    command = [sys.executable, "-c", "from flightline.cli.main import main; main()", *arguments, "--config", config]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture(scope="module")
def inputs(flights_sample, tmp_path_factory) -> Path:
    """Two files: one with the label and four bad rows, one without the label and with its columns turned round."""
    folder = tmp_path_factory.mktemp("to_score")
    for number, name in ((1, "a.csv"), (2, "b.csv")):
        with (flights_sample / f"span-{number:02d}" / "flights.csv").open(newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["late"]][:300]
        if name == "a.csv":
            for place, (column, value) in BAD.items():
                rows[place][column] = value
        columns = list(rows[0]) if name == "a.csv" else [name for name in reversed(rows[0]) if name != "late"]
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    return folder


@pytest.fixture(scope="module")
def scored(trained, inputs, tmp_path_factory):
    """(the ended command, its output folder)."""
    output = tmp_path_factory.mktemp("scored") / "out"
    asked = ["score", "--input", str(inputs), "--output", str(output), "--run-id", "scored", "--plain"]
    return flightline(trained, *asked, "--set", "scoring.id_columns=[flight, tailnum]"), output


@pytest.fixture(scope="module")
def table(scored):
    ended, output = scored
    assert ended.returncode == 0, ended.stderr
    return pq.read_table(output / "predictions.parquet")


def test_rows_read_equal_predictions_plus_rejected_rows(scored, table):
    ended, output = scored
    assert table.num_rows == 596
    assert "read 600 = predicted 596" in ended.stdout
    with (output / "rejected.csv").open(newline="") as lines:
        rejected = [
            (Path(row["file"]).name, int(row["line"]), row["reason"], row["column"]) for row in csv.DictReader(lines)
        ]
    assert rejected == [
        ("a.csv", 5, "out_of_domain", "month"),
        ("a.csv", 7, "missing_value", "dep_delay"),
        ("a.csv", 9, "unparsable", "hour"),
        ("a.csv", 11, "out_of_domain", "origin"),
    ]


def test_each_prediction_has_its_row_version_and_time(trained, inputs, table):
    rows = table.to_pydict()
    bad = {place + 2 for place in BAD}
    lines = [line for line in range(2, 302) if line not in bad] + list(range(2, 302))
    assert rows["line"] == lines
    assert [Path(name).name for name in rows["file"]] == ["a.csv"] * 296 + ["b.csv"] * 300
    with (inputs / "b.csv").open(newline="") as text:
        source = list(csv.DictReader(text))
    assert [str(flight) for flight in rows["flight"][296:]] == [row["flight"] for row in source]
    assert [tail or "" for tail in rows["tailnum"][296:]] == [row["tailnum"] for row in source]
    assert set(rows["version"]) == {trained.current}
    assert rows["label"] == [int(probability >= 0.5) for probability in rows["probability"]]
    assert len(set(rows["scored_at"])) == 1
    assert rows["scored_at"][0].tzinfo is not None


def test_bulk_inferrer_endpoint_and_evaluator_predict_the_same(trained, inputs, table, tmp_path):
    from flightline.config.schema_file import read_feature_types
    from flightline.serving.contract import Contract

    release = Path(trained.summary["release"])
    contract_inputs = json.loads((release / "release.json").read_text())["inputs"]
    batch = table["probability"].to_numpy()[296:]

    # The endpoint's own code, but for HTTP: its contract, its encoder, the release.
    import tensorflow as tf

    served = Contract.from_inputs(contract_inputs).read_rows(read_raw_rows(inputs / "b.csv", contract_inputs))
    serve = tf.saved_model.load(str(release)).signatures["serving_default"]
    online = serve(examples=tf.constant(served.examples))["probabilities"].numpy()[:, 0]
    np.testing.assert_allclose(online, batch, atol=1e-6)

    types = read_feature_types(ROOT / "schema" / "flights.pbtxt")
    evaluated = evaluator_predictions(release, [inputs / "b.csv"], tmp_path / "examples", types)
    np.testing.assert_allclose(evaluated, batch, atol=1e-6)


def test_another_engine_predicts_the_same(trained, inputs, table, tmp_path):
    first, second = free_ports(2)
    ports = {"job_endpoint": first, "worker_endpoint": second}
    settings = [w for key, port in ports.items() for w in ("--set", f"engines.portable.{key}=localhost:{port}")]
    asked = ["score", "--input", str(inputs / "b.csv"), "--output", str(tmp_path), "--engine", "portable", "--plain"]
    ended = flightline(trained, *asked, *settings)
    assert ended.returncode == 0, ended.stderr
    elsewhere = pq.read_table(tmp_path / "predictions.parquet")
    here = table.slice(296)
    assert elsewhere["line"].to_pylist() == here["line"].to_pylist()
    np.testing.assert_allclose(elsewhere["probability"].to_numpy(), here["probability"].to_numpy(), atol=1e-6)


def test_predictions_have_a_lineage_back_to_the_training_run(trained, scored, table):
    from flightline.metadata.runs import Runs

    runs = Runs.open(trained.workspace / "metadata.db")
    run = runs.get("scored")
    assert run.pipeline == "flights-scoring"
    assert list(run.steps) == ["ExampleGen", "Model", "BulkInferrer", "PredictionWriter"]
    model = run.steps["BulkInferrer"].inputs["model"][0]
    assert model.id == trained.steps["Trainer"].output("model").id
    assert run.rows.rejected == {"missing_value": 1, "missing_label": 0, "out_of_domain": 2, "unparsable": 1}
    assert runs.get("latest").pipeline == "flights"  # the newest run of the pipeline itself


def test_files_that_cannot_be_scored_are_rejected_before_the_run_starts(trained, inputs, tmp_path):
    bare = tmp_path / "bare.csv"
    bare.write_text("month,day\n1,2\n")
    for name, words in ((bare, "is missing, which release"), (tmp_path / "none.csv", "there is no such file")):
        ended = flightline(trained, "score", "--input", str(name), "--output", str(tmp_path / "out"))
        assert ended.returncode == 2
        assert words in ended.stderr
    ended = flightline(trained, "score", "--input", str(inputs), "--output", str(tmp_path / "o"), "--release", "12")
    assert ended.returncode == 2
    assert "there is no release 12" in ended.stderr
    asked = ("--input", str(inputs), "--output", str(tmp_path / "out"), "--set", "scoring.id_columns=[tailnumm]")
    ended = flightline(trained, "score", *asked)
    assert ended.returncode == 2
    assert "there is no column tailnumm, which scoring.id_columns names" in ended.stderr
    assert "did you mean tailnum" in ended.stderr
    assert not (tmp_path / "out").exists()
