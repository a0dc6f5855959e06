"""No train/serve skew: the same 10,000 raw rows through the endpoint, `flightline score` and the Evaluator."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from model_server import running_server
from pipeline_runs import ROOT, run_pipeline
from raw_rows import evaluator_predictions, read_raw_rows

from flightline.serving.log_files import read_log

ROWS, BATCH = 10_000, 250


@pytest.fixture(scope="module")
def trained(flights_sample, tmp_path_factory):
    result = run_pipeline(tmp_path_factory.mktemp("trained") / "workspace", flights_sample, "first")
    assert result.code == 0, result.err
    return result


@pytest.fixture(scope="module")
def rows_file(flights_year, tmp_path_factory) -> Path:
    """10,000 flights from the whole year that arrived, in one file."""
    spans = [pd.read_csv(file, dtype=str, keep_default_na=False) for file in sorted(flights_year.glob("span-*/*.csv"))]
    arrived = pd.concat(spans).query("late != ''")
    file = tmp_path_factory.mktemp("rows") / "flights.csv"
    arrived.iloc[:: len(arrived) // ROWS].head(ROWS).to_csv(file, index=False)
    return file


def test_ten_thousand_rows_get_the_same_predictions_everywhere(trained, rows_file, tmp_path):
    from flightline.config.schema_file import read_feature_types

    release = Path(trained.summary["release"])
    inputs = json.loads((release / "release.json").read_text())["inputs"]
    rows = read_raw_rows(rows_file, inputs)
    assert len(rows) == ROWS

    with running_server(trained.workspace, log={"flush_s": 0.1}) as server:
        online, by_columns = [], []
        for start in range(0, ROWS, BATCH):
            batch = rows[start : start + BATCH]
            status, answer = server.predict(*batch)
            assert status == 200, answer
            online += [one["probability"] for one in answer["predictions"]]
            columns = [
                {
                    "name": one["name"],
                    "datatype": {"int": "INT64", "float": "FP64", "bytes": "BYTES"}[one["type"]],
                    "shape": [len(batch), 1],
                    "data": [row.get(one["name"]) for row in batch],
                }
                for one in inputs
            ]
            status, answer = server.ask("/v2/models/flights/infer", {"inputs": columns})
            assert status == 200, answer
            by_columns += answer["outputs"][0]["data"]
        alone = [server.predict(row)[1]["predictions"][0]["probability"] for row in rows[:200]]

    output = tmp_path / "scored"
    command = [sys.executable, "-c", "from flightline.cli.main import main; main()", "score", "--input", str(rows_file)]
    command += ["--output", str(output), "--config", str(trained.folder / "config.yaml")]
    scored = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert scored.returncode == 0, scored.stderr
    batch_scored = pq.read_table(output / "predictions.parquet")["probability"].to_numpy()
    types = read_feature_types(ROOT / "schema" / "flights.pbtxt")
    evaluated = evaluator_predictions(release, [rows_file], tmp_path / "examples", types)

    assert len(set(np.round(online, 4))) > 1000  # they do differ from row to row
    np.testing.assert_allclose(batch_scored, online, atol=1e-6)
    np.testing.assert_allclose(evaluated, online, atol=1e-6)
    np.testing.assert_allclose(by_columns, online, atol=1e-6)
    np.testing.assert_allclose(alone, online[:200], atol=1e-6)

    logged = read_log(server.predictions).to_pydict()
    np.testing.assert_array_equal(logged["_probability"][:BATCH], np.array(online[:BATCH], np.float32))
    with rows_file.open(newline="") as lines:
        first = next(csv.DictReader(lines))
    assert logged["dep_delay"][0] == int(first["dep_delay"])
    assert logged["carrier"][0] == first["carrier"]
