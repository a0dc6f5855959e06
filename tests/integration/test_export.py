"""Tables of every kind through the real Transform analysis, run_fn and the exported model."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder
from tfx_bsl.public import tfxio

from flightline.config.evaluation import EvaluationSettings
from flightline.config.feature_plan import FeaturePlan
from flightline.config.feature_planning import plan_features
from flightline.config.modeling import FeatureSettings, ModelSettings
from flightline.modeling.model_io import model_inputs
from flightline.modeling.objective import make_objective
from flightline.modeling.training_data import read_training_data
from flightline.modeling.tree_training import fit_trees
from models.evaluation import build_eval_config
from models.preprocessing import preprocessing_fn
from models.trainer import run_fn

ROWS = 240
REQUIRED = "presence { min_fraction: 1.0 } shape { dim { size: 1 } }"
SMALL = {"projection": 8, "cross_rank": 2, "hidden": [8]}
WITH_TREES = SMALL | {"trees": 5}
PLAIN = {"projection": 0, "cross_layers": 0, "cross_order": 1, "hidden": [64, 32], "dropout": 0}


@dataclass(frozen=True)
class Trained:
    directory: Path
    plan: FeaturePlan
    examples: list[bytes]

    @property
    def model(self):
        return str(self.directory / "model")


def encode(rows):
    def feature(value):
        if value is None:
            return tf.train.Feature()
        if isinstance(value, str):
            return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        if isinstance(value, int):
            return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
        return tf.train.Feature(float_list=tf.train.FloatList(value=[value]))

    return [
        tf.train.Example(
            features=tf.train.Features(feature={name: feature(value) for name, value in row.items()})
        ).SerializeToString()
        for row in rows
    ]


def write(path, examples):
    with tf.io.TFRecordWriter(str(path)) as out:
        for example in examples:
            out.write(example)


def analyse(directory, schema, config):
    """Transform without TFX: the transform graph, and the transformed examples of the training split."""
    options = beam.options.pipeline_options.PipelineOptions(["--runner=FnApiRunner", "--direct_running_mode=in_memory"])
    with beam.Pipeline(options=options) as pipeline, tft_beam.Context(temp_dir=str(directory / "tmp")):
        source = tfxio.TFExampleRecord(str(directory / "train"), schema=schema, telemetry_descriptors=["test"])
        raw = (pipeline | source.BeamSource(), source.TensorAdapterConfig())
        (rows, metadata), transform = raw | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, config), output_record_batches=True
        )
        encoder = RecordBatchToExamplesEncoder(metadata.schema)
        (
            rows
            | beam.FlatMap(lambda batch: encoder.encode(batch[0]))
            | beam.io.WriteToTFRecord(str(directory / "transformed"), file_name_suffix=".gz")
        )
        transform | tft_beam.WriteTransformFn(str(directory / "transform"))
    metadata_io.write_metadata(dataset_metadata.DatasetMetadata(schema), str(directory / "transform" / "metadata"))


def train(directory, schema_text, rows, features=None, model=SMALL):
    schema = text_format.Parse(schema_text, schema_pb2.Schema())
    plan = plan_features(schema, "y", FeatureSettings(min_count=2, **(features or {})))
    config = {
        "features": plan.model_dump(mode="json"),
        "model": ModelSettings(**model).model_dump(mode="json"),
        "train": {"validation_share": 0.2, "min_steps": 20},
    }
    examples = encode(rows)
    write(directory / "train", examples)
    analyse(directory, schema, config)
    fit(directory, config, directory)
    return Trained(directory, plan, examples)


def fit(directory, config, transformed):
    """Trainer without TFX, of the rows that were transformed into another folder."""
    run_fn(
        SimpleNamespace(
            custom_config=json.loads(json.dumps(config)),
            train_files=[str(transformed / "transformed-*")],
            transform_output=str(transformed / "transform"),
            serving_model_dir=str(directory / "model"),
            model_run_dir=str(directory / "run"),
        )
    )


def mixed_rows():
    random = np.random.default_rng(0)
    for i in range(ROWS):
        n = None if i % 7 == 0 else float(random.normal())
        yield {
            "n": n,
            "age": int(random.integers(0, 50)),
            "city": None if i % 11 == 0 else "abc"[i % 3],
            "month": i % 4,
            "unused": float(i),
            "never": None,
            "y": int((n or 0) + i % 4 > 1.5),
        }


MIXED = f"""
feature {{ name: "n" type: FLOAT presence {{ min_fraction: 1.0 }} }}
feature {{ name: "never" type: FLOAT }}
feature {{ name: "age" type: INT {REQUIRED} }}
feature {{ name: "city" type: BYTES }}
feature {{ name: "month" type: INT presence {{ min_fraction: 1.0 }} value_count {{ min: 1 max: 1 }} }}
feature {{ name: "unused" type: FLOAT {REQUIRED} }}
feature {{ name: "y" type: INT }}
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    features = {"exclude": ["unused"], "categorical": ["month"], "bucketised": ["age"], "bucket_count": 4}
    return train(tmp_path_factory.mktemp("mixed"), MIXED, list(mixed_rows()), features, WITH_TREES)


def serve(trained, examples):
    signature = tf.saved_model.load(trained.model).signatures["serving_default"]
    return signature(examples=tf.constant(examples))["probabilities"].numpy()


def without(example, *names):
    parsed = tf.train.Example.FromString(example)
    for name in names:
        del parsed.features.feature[name]
    return parsed.SerializeToString()


def test_serving_needs_neither_the_label_nor_unused_columns(mixed):
    probabilities = serve(mixed, mixed.examples)
    assert probabilities.shape == (ROWS, 1)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    bare = [without(example, "y", "unused", "never") for example in mixed.examples]
    np.testing.assert_array_equal(serve(mixed, bare), probabilities)
    np.testing.assert_allclose(serve(mixed, bare[3:4]), probabilities[3:4], rtol=1e-5)


def test_serving_refuses_examples_without_a_required_column(mixed):
    with pytest.raises(tf.errors.InvalidArgumentError, match="age"):
        serve(mixed, [without(mixed.examples[0], "age")])


def test_the_exported_model_transforms_as_transform_did(mixed):
    signature = tf.saved_model.load(mixed.model).signatures["transform_features"]
    made = signature(examples=tf.constant(mixed.examples))
    spec = tft.TFTransformOutput(str(mixed.directory / "transform")).transformed_feature_spec()
    files = tf.io.gfile.glob(str(mixed.directory / "transformed-*"))
    records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    expected = tf.io.parse_example(records, spec)
    assert set(made) == set(expected)
    for name in expected:
        np.testing.assert_allclose(made[name], expected[name], rtol=1e-6, err_msg=name)


def test_columns_are_transformed_by_the_plan(mixed):
    signature = tf.saved_model.load(mixed.model).signatures["transform_features"]
    made = {name: value.numpy() for name, value in signature(examples=tf.constant(mixed.examples)).items()}
    rows = list(mixed_rows())
    assert np.isnan(made["never_xf"]).all()
    np.testing.assert_array_equal(np.isnan(made["n_xf"]), [row["n"] is None for row in rows])
    present = ~np.isnan(made["n_xf"])
    order = np.argsort([row["n"] for row in rows if row["n"] is not None])
    assert (np.diff(made["n_xf"][present][order]) >= 0).all()
    assert (made["n_xf"][present].min(), made["n_xf"][present].max()) == (0, 1)
    np.testing.assert_array_equal(made["city_xf"] == 0, [row["city"] is None for row in rows])
    assert sorted(np.unique(made["month_xf"])) == [1, 2, 3, 4]
    assert sorted(np.unique(made["age_bucket_xf"])) == [1, 2, 3, 4]
    np.testing.assert_array_equal(made["y_xf"], [row["y"] for row in rows])


def test_unseen_values_share_the_last_id(mixed):
    signature = tf.saved_model.load(mixed.model).signatures["transform_features"]
    (row, *_) = mixed_rows()
    made = signature(examples=tf.constant(encode([row | {"city": "Atlantis", "month": 99}])))
    assert (int(made["city_xf"][0]), int(made["month_xf"][0])) == (4, 5)


def test_cpp_consumers_find_the_variables(mixed):
    examples = mixed.examples[:2]
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], mixed.model)
        signature = meta.signature_def["serving_default"]
        assert list(signature.inputs) == ["examples"]
        feed = {signature.inputs["examples"].name: examples}
        probabilities = session.run(signature.outputs["probabilities"].name, feed)
    np.testing.assert_allclose(probabilities, serve(mixed, examples), rtol=1e-5)


def test_predictions_blend_network_and_trees_by_the_recorded_weight(mixed, tmp_path):
    network = dataclasses.replace(mixed, directory=tmp_path)
    config = {
        "features": mixed.plan.model_dump(mode="json"),
        "model": ModelSettings(**SMALL).model_dump(mode="json"),
        "train": {"validation_share": 0.2, "min_steps": 20},
    }
    fit(tmp_path, config, mixed.directory)
    rows = read_training_data([str(mixed.directory / "transformed-*")], mixed.plan, tmp_path)
    objective = make_objective(mixed.plan.target, rows.labels)
    trees = fit_trees(rows, ModelSettings(**WITH_TREES), objective, 1, seed=0)
    columns = tf.saved_model.load(mixed.model).signatures["transform_features"](examples=tf.constant(mixed.examples))
    tree_answers = objective.predictions(trees(model_inputs(mixed.plan, columns)))
    share = json.loads((mixed.directory / "run" / "training.json").read_text())["tree_blend_weight"]
    assert 0 < share < 1
    expected = (1 - share) * serve(network, mixed.examples) + share * tree_answers.numpy()
    np.testing.assert_allclose(serve(mixed, mixed.examples), expected, rtol=1e-4)
    assert np.abs(tree_answers - serve(network, mixed.examples)).max() > 0.05


def test_training_json_describes_the_training(mixed):
    record = json.loads((mixed.directory / "run" / "training.json").read_text())
    assert (record["rows_trained"], record["rows_held_out"]) == (192, 48)
    assert record["trees"] == 5
    assert record["epochs"] == len(record["history"]) == 4
    assert {"epoch", "loss", "val_loss"} == set(record["history"][0])


def test_evaluation_names_the_metric_and_slice_that_failed(mixed, tmp_path):
    settings = EvaluationSettings(
        thresholds={"AUC": {"lower": 0.0, "vs_champion": 0.0}},
        per_slice=[{"slice": ["month"], "thresholds": {"BinaryAccuracy": {"lower": 1.01}}}],
    )
    # As Evaluator does it for a first run: no champion, so the thresholds against it are dropped.
    config = tfma.utils.update_eval_config_with_defaults(
        build_eval_config("y", settings), has_baseline=False, rubber_stamp=True
    )
    tfma.run_model_analysis(
        tfma.default_eval_shared_model(mixed.model, eval_config=config),
        config,
        data_location=str(mixed.directory / "train"),
        output_path=str(tmp_path),
    )
    result = tfma.load_validation_result(str(tmp_path))
    failures = {
        (slice_.slice_key.single_slice_keys[0].int64_value, failure.metric_key.name)
        for slice_ in result.metric_validations_per_slice
        for failure in slice_.failures
    }
    assert not result.validation_ok
    assert failures == {(month, "binary_accuracy") for month in range(4)}
    metrics = tfma.load_eval_result(str(tmp_path)).get_metrics_for_slice()
    predicted, truth = serve(mixed, mixed.examples)[:, 0], [row["y"] for row in mixed_rows()]
    assert metrics["binary_accuracy"]["doubleValue"] == pytest.approx(np.mean((predicted > 0.5) == truth))


@pytest.mark.parametrize("model", [SMALL, PLAIN])
def test_tables_of_numbers_only(tmp_path, model):
    schema = f'feature {{ name: "a" type: FLOAT {REQUIRED} }} feature {{ name: "y" type: FLOAT {REQUIRED} }}'
    rows = [{"a": i / 7, "y": float(i % 2)} for i in range(60)]
    bins = 0 if model is PLAIN else 16
    trained = train(tmp_path, schema, rows, {"quantile_bins": bins}, model)
    assert np.isfinite(serve(trained, encode([{"a": 3.0}, {"a": 1e9}]))).all()
    values = tf.saved_model.load(trained.model).signatures["transform_features"](tf.constant(trained.examples))["a_xf"]
    if model is PLAIN:
        assert (np.mean(values), np.std(values)) == (pytest.approx(0, abs=1e-5), pytest.approx(1, abs=1e-5))
    else:
        assert (np.min(values), np.max(values)) == (0, 1)


def test_tables_of_categories_only(tmp_path):
    schema = f'feature {{ name: "a" type: BYTES {REQUIRED} }} feature {{ name: "y" type: INT {REQUIRED} }}'
    rows = [{"a": "xyz"[i % 3], "y": int(i % 3 == 0)} for i in range(60)]
    known, unknown = serve(train(tmp_path, schema, rows), encode([{"a": "x"}, {"a": "?"}]))
    assert known[0] != unknown[0]
