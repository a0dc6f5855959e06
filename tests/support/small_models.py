"""Examples and SavedModels made in a moment; the model's prediction is a feature of the example."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf


def make_example(features: Mapping[str, Sequence[Any]], kinds: Mapping[str, type]) -> bytes:
    """Serializes features; `kinds` holds bytes or float for those that are not integers."""
    lists = {}
    for name, values in features.items():
        kind = kinds.get(name, int)
        if kind is bytes:
            lists[name] = tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
        elif kind is float:
            lists[name] = tf.train.Feature(float_list=tf.train.FloatList(value=values))
        else:
            lists[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Example(features=tf.train.Features(feature=lists)).SerializeToString()


def write_records(path: Path, records: Sequence[bytes]) -> str:
    """Writes a TFRecord file, gzipped if its name says so."""
    compression = "GZIP" if path.suffix == ".gz" else ""
    with tf.io.TFRecordWriter(str(path), tf.io.TFRecordOptions(compression_type=compression)) as writer:
        for record in records:
            writer.write(record)
    return str(path)


def write_model(
    path: Path,
    outputs: int = 1,
    width: int = 1,
    transforms: str = "transform_features",
    shift: int = 0,
    dense_input: bool = False,
) -> str:
    """Writes a SavedModel that predicts feature `score`, and transforms `late` and `month`.

    Args:
      path: directory of the SavedModel.
      outputs: number of outputs of serving_default.
      width: values of each output a row.
      transforms: name of the preprocessing signature.
      shift: what the transformed month is off by.
      dense_input: serving_default takes floats instead of examples.
    """
    spec = {"score": tf.io.FixedLenFeature([1], tf.float32)}
    integers = {name: tf.io.FixedLenFeature([1], tf.int64) for name in ("late", "month")}
    examples = [tf.TensorSpec([None], tf.string, name="examples")]

    @tf.function(input_signature=examples)
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        score = tf.io.parse_example(examples, spec)["score"]
        return {f"output_{i}": tf.tile(score, [1, width]) for i in range(outputs)}

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="score")])
    def serve_dense(score: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"output_0": score}

    @tf.function(input_signature=examples)
    def transform(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed = tf.io.parse_example(examples, integers | spec)
        month = parsed["month"][:, 0] + shift
        return {"late_xf": parsed["late"], "month_xf": month, "score_xf": parsed["score"], "unused": month}

    signatures = {"serving_default": serve_dense if dense_input else serve, transforms: transform}
    tf.saved_model.save(tf.Module(), str(path), signatures=signatures)
    return str(path)
