"""Releases of a model with one weight: real SavedModels, made in a second; their answers say which of them answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flightline.releases.registry import promote, publish_release

INPUTS: list[dict[str, Any]] = [
    {"name": "dep_delay", "type": "int", "required": True, "min": -120, "max": 2880},
    {"name": "distance", "type": "int", "required": True, "min": 1},
    {"name": "origin", "type": "bytes", "required": True, "values": ["EWR", "JFK", "LGA"]},
    {"name": "tailnum", "type": "bytes", "required": False},
    {"name": "temp", "type": "float", "required": False, "min": -60.0, "max": 140.0},
]
_STEPS_PER_MS = 40
ROW = {"dep_delay": 30, "distance": 1400, "origin": "EWR", "tailnum": "N14228", "temp": 39.02}


def add_small_release(
    releases: Path, version: int, bias: float = 0.0, inputs: Any = None, target: Any = None, **model: Any
) -> str:
    """Adds a release that answers sigmoid(bias + dep_delay / 100) and makes it current; returns its version."""
    folder = releases / str(version)
    task = target["task"] if target else "binary"
    save_model(folder, bias, task=task, **model)
    about = {"run": f"run-{version}", "inputs": INPUTS if inputs is None else inputs}
    publish_release(folder, {**about, "target": target} if target else about)
    return folder.name


def save_model(folder: Path, bias: float, slow_ms: int = 0, fails_on: str = "", task: str = "binary") -> None:
    """Writes a SavedModel with the signature that Trainer's have.

    For several classes it answers softmax of (dep_delay / 100, 0, -dep_delay / 100), for amounts dep_delay / 100.
    A call takes about `slow_ms`; one with the tail number `fails_on` fails within the graph.
    """
    import tensorflow as tf

    spec = {"dep_delay": tf.io.FixedLenFeature([1], tf.int64), "tailnum": tf.io.VarLenFeature(tf.string)}
    module = tf.Module()
    module.bias = tf.Variable(bias)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        columns = tf.io.parse_example(examples, spec)
        delay = tf.cast(columns["dep_delay"], tf.float32)
        if fails_on:
            tf.debugging.Assert(tf.reduce_all(columns["tailnum"].values != fails_on), ["a tail number that breaks it"])
        logits = module.bias + delay / 100
        if slow_ms:  # in one thread, so that what answers beside it is not slowed as well
            burnt = tf.constant(0.5)
            for _ in tf.range(slow_ms * _STEPS_PER_MS):
                burnt = tf.math.sin(burnt)
            logits += 1e-30 * burnt  # not 0: TensorFlow would see that nothing depends on it
        if task == "regression":
            return {"predictions": logits}
        if task == "multiclass":
            return {"probabilities": tf.nn.softmax(tf.concat([logits, tf.zeros_like(logits), -logits], axis=1))}
        return {"probabilities": tf.sigmoid(logits)}

    tf.saved_model.save(module, str(folder), signatures={"serving_default": serve})


def make_current(releases: Path, version: str) -> None:
    """What a promotion or a rollback does."""
    promote(releases, version)
