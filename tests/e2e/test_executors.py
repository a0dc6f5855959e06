"""The whole DAG with our executors and with TFX's own, on the same data: every artifact compared."""

import shutil
from pathlib import Path

import numpy as np
import pytest

LEAST = ("evaluation.thresholds={AUC: {lower: 0.5}}", "evaluation.per_slice=[]", "train.validation_share=0.2")
NODES = ("StatisticsGen", "SchemaGen", "ExampleValidator", "Transform", "Trainer", "Evaluator")


@pytest.fixture(scope="module")
def both(run, flights_sample, tmp_path_factory):
    """(fast, stock): two runs on one month, in workspaces of their own."""
    folder = tmp_path_factory.mktemp("both")
    shutil.copytree(flights_sample / "span-06", folder / "data" / "span-06")
    results = [
        run(folder / name, folder / "data", name, "--set", f"engine.executors={name}", settings=LEAST)
        for name in ("fast", "stock")
    ]
    for result in results:
        assert result.code in (0, 4), result.err
    return results


def uri(result, node, key):
    return Path(result.steps[node].output(key).uri)


def test_what_ml_metadata_calls_them_is_the_same(both):
    fast, stock = both
    for node in NODES:
        ours, theirs = fast.steps[node], stock.steps[node]
        assert ours.outputs.keys() == theirs.outputs.keys()
        assert ours.state == theirs.state == "COMPLETE"


def test_examples_are_the_same_bytes(both):
    files = [sorted(uri(result, "ExampleGen", "examples").glob("Split-*/*")) for result in both]
    assert [file.read_bytes() for file in files[0]] == [file.read_bytes() for file in files[1]]


@pytest.mark.parametrize("split", ["train", "eval"])
def test_statistics(both, split):
    from tensorflow_metadata.proto.v0 import statistics_pb2

    fast, stock = (
        statistics_pb2.DatasetFeatureStatisticsList.FromString(
            (uri(result, "StatisticsGen", "statistics") / f"Split-{split}" / "FeatureStats.pb").read_bytes()
        ).datasets[0]
        for result in both
    )
    assert fast.num_examples == stock.num_examples
    theirs = {tuple(feature.path.step): feature for feature in stock.features}
    assert len(fast.features) == len(theirs)
    for feature in fast.features:
        other = theirs[tuple(feature.path.step)]
        if feature.WhichOneof("stats") == "num_stats":
            ours, expected = feature.num_stats, other.num_stats
            for name in ("mean", "std_dev", "min", "max", "median", "num_zeros"):
                assert getattr(ours, name) == pytest.approx(getattr(expected, name), rel=1e-6)
        else:
            assert feature.string_stats.unique == other.string_stats.unique
            counts = [sorted(v.frequency for v in s.string_stats.top_values) for s in (feature, other)]
            assert counts[0] == counts[1]


def test_schema_and_anomalies(both):
    schemas = [(uri(result, "SchemaGen", "schema") / "schema.pbtxt").read_text() for result in both]
    assert schemas[0] == schemas[1]
    found = [sorted(uri(result, "ExampleValidator", "anomalies").glob("Split-*/*.pb")) for result in both]
    assert [f.read_bytes() for f in found[0]] == [f.read_bytes() for f in found[1]]


def test_vocabularies(both):
    ours, theirs = (
        {f.name: f.read_text() for f in (uri(r, "Transform", "transform_graph") / "transform_fn/assets").iterdir()}
        for r in both
    )
    assert ours == theirs
    assert "carrier" in ours


@pytest.mark.parametrize("split", ["train", "eval"])
def test_transformed_examples(both, split):
    import tensorflow as tf
    from tfx_bsl.coders import example_coder

    tables = []
    for result in both:
        folder = uri(result, "Transform", "transformed_examples") / f"Split-{split}"
        records = tf.data.TFRecordDataset(sorted(map(str, folder.glob("*"))), "GZIP")
        batch = example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(list(records.as_numpy_iterator()))
        columns = {n: batch.column(i).flatten().to_numpy(False) for i, n in enumerate(batch.schema.names)}
        tables.append(columns)
    fast, stock = tables
    assert fast.keys() == stock.keys()
    for name, values in fast.items():
        np.testing.assert_allclose(values, stock[name], atol=1e-5, err_msg=name)


def test_the_verdict_and_every_metric_of_every_slice(both):
    """Trained on columns that differ in the last digits, the two models differ a little; counts do not."""
    fast, stock = (result.summary["evaluation"]["metrics"] for result in both)
    assert fast.keys() == stock.keys()
    for name, metrics in fast.items():
        assert metrics["example_count"] == stock[name]["example_count"]
    assert fast["overall"]["auc"] == pytest.approx(stock["overall"]["auc"], abs=0.01)


def test_the_same_model_is_measured_the_same(both, run):
    """Our Evaluator and TFX's on one model, within one workspace: exact, or to the last digits of float32 sums."""
    fast, _ = both
    data = fast.workspace.parent / "data"
    options = ("--from", "Evaluator", "--to", "Evaluator", "--set", "engine.executors=stock")
    again = run(fast.workspace, data, "again", *options, settings=LEAST)
    assert again.code == 0, again.err
    ours, theirs = (result.summary["evaluation"]["metrics"] for result in (fast, again))
    assert ours.keys() == theirs.keys()
    for name, metrics in ours.items():
        assert metrics.keys() == theirs[name].keys()
        for metric, value in metrics.items():
            exact = metric in {"auc", "auc_precision_recall", "binary_accuracy", "example_count", "precision", "recall"}
            assert value == pytest.approx(theirs[name][metric], rel=0 if exact else 1e-6, abs=0 if exact else 1e-9)
