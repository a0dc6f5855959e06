"""Small flights: examples, two trained models, and the artifacts that an Evaluator takes, on a few thousand rows."""

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow_model_analysis.proto import config_pb2
from tfx.types import artifact, standard_artifacts
from tfx.utils import proto_utils

ROWS = 2000
ORIGINS = [b"EWR", b"JFK", b"LGA"]
CARRIERS = [b"AA", b"\xc3\x9c2", b""]


@dataclasses.dataclass(frozen=True)
class Execution:
    """The arguments of one `Executor.Do`."""

    inputs: dict[str, list[artifact.Artifact]]
    outputs: dict[str, list[artifact.Artifact]]
    properties: dict[str, Any]

    @property
    def evaluation(self) -> str:
        return self.outputs["evaluation"][0].uri

    @property
    def blessing(self) -> artifact.Artifact:
        return self.outputs["blessing"][0]


def write_examples(directory: Path, rows: int = ROWS) -> str:
    """Writes an Examples artifact with an eval split of two files; carrier is missing now and then."""
    rng = np.random.default_rng(7)
    split = directory / "Split-eval"
    split.mkdir(parents=True)
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    for part in range(2):
        with tf.io.TFRecordWriter(str(split / f"data_tfrecord-0000{part}-of-00002.gz"), options) as writer:
            for _ in range(rows // 2):
                writer.write(_example(rng))
    return str(directory)


def _example(rng: np.random.Generator) -> bytes:
    delay, distance = rng.normal(size=2)
    late = int(rng.random() < 1 / (1 + np.exp(-2 * delay + distance)))
    features = {
        "delay": tf.train.Feature(float_list=tf.train.FloatList(value=[delay])),
        "distance": tf.train.Feature(float_list=tf.train.FloatList(value=[distance])),
        "origin": tf.train.Feature(bytes_list=tf.train.BytesList(value=[ORIGINS[rng.integers(3)]])),
        "month": tf.train.Feature(int64_list=tf.train.Int64List(value=[int(rng.integers(1, 13))])),
        "score": tf.train.Feature(float_list=tf.train.FloatList(value=[1 / (1 + np.exp(-delay))])),
        "late": tf.train.Feature(int64_list=tf.train.Int64List(value=[late])),
    }
    if rng.random() < 0.9:
        carrier = CARRIERS[rng.integers(len(CARRIERS))]
        features["carrier"] = tf.train.Feature(bytes_list=tf.train.BytesList(value=[carrier]))
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def write_model(directory: Path, seed: int, noise: float) -> str:
    """Trains a small network on its own draw of the data and exports the two signatures; returns the Model's uri."""
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1000, 2)).astype("float32")
    y = (rng.random(1000) < 1 / (1 + np.exp(-2 * x[:, 0] + x[:, 1] + noise * rng.normal(size=1000)))).astype("float32")
    inputs = keras.Input((2,))
    hidden = keras.layers.Dense(8, activation="relu")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(hidden))
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="binary_crossentropy")
    model.fit(x, y, epochs=2, batch_size=100, verbose=0)

    columns = {name: tf.io.FixedLenFeature([1], tf.float32) for name in ("delay", "distance")}
    integers = {name: tf.io.FixedLenFeature([1], tf.int64) for name in ("late", "month")}

    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed = tf.io.parse_example(examples, columns)
        return {"outputs": model(tf.concat([parsed["delay"], parsed["distance"]], axis=1))}

    def transform(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed = tf.io.parse_example(examples, columns | integers)
        return {
            "delay_xf": parsed["delay"] * 2.0,
            "late_xf": parsed["late"],
            "quarter": (parsed["month"][:, 0] - 1) // 3,
        }

    archive = keras.export.ExportArchive()
    archive.track(model)
    signature = [tf.TensorSpec([None], tf.string, name="examples")]
    archive.add_endpoint("serving_default", serve, signature)
    archive.add_endpoint("transform_features", transform, signature)
    archive.write_out(str(directory / "Format-Serving"))
    return str(directory)


def make_execution(
    output: Path, examples: str, model: str, eval_config: config_pb2.EvalConfig, baseline: str | None = None
) -> Execution:
    """Returns fresh artifacts; nothing in their outputs exists yet but the directories TFX makes."""
    inputs = {
        "examples": [_artifact(standard_artifacts.Examples, examples, 1)],
        "model": [_artifact(standard_artifacts.Model, model, 2)],
    }
    inputs["examples"][0].split_names = '["eval"]'
    if baseline:
        inputs["baseline_model"] = [_artifact(standard_artifacts.Model, baseline, 3)]
    outputs = {}
    for name, kind in (
        ("evaluation", standard_artifacts.ModelEvaluation),
        ("blessing", standard_artifacts.ModelBlessing),
    ):
        (output / name).mkdir(parents=True)
        outputs[name] = [_artifact(kind, str(output / name), 4)]
    properties = {
        "eval_config": proto_utils.proto_to_json(eval_config),
        "example_splits": "null",
        "fairness_indicator_thresholds": "null",
        "current_component_id": "Evaluator",
    }
    return Execution(inputs, outputs, properties)


def _artifact(kind: type[artifact.Artifact], uri: str, number: int) -> artifact.Artifact:
    result = kind()
    result.uri, result.id = uri, number
    return result
