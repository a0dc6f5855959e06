"""Run by ServingCheck as a script, in a process of its own, as a model server would: TensorFlow and nothing of ours.

python serving_probe.py SAVED_MODEL REQUESTS.tfrecord ANSWER.json
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

MAX_BATCH_DIFFERENCE = (
    1e-4  # relative difference of an example's answer alone and in a batch: float32 sums in another order
)
MIN_RELATIVE_SCALE = 0.01  # of the largest amount: one near zero is a sum of terms of that size, and as exact as these
WARM_UP_REQUESTS = 10


def probe(saved_model: str, requests: str) -> dict[str, Any]:
    """Loads the model and answers the requests, all at once and one by one.

    Returns:
        rows: answers given; finite: whether all are; p99_ms: 99th percentile of one request of one example, in
        milliseconds; batch_difference: see `difference`.
    """
    import tensorflow as tf

    serve = tf.saved_model.load(saved_model).signatures["serving_default"]
    argument = next(iter(serve.structured_input_signature[1]))
    examples = list(tf.data.TFRecordDataset([requests]).as_numpy_iterator())

    def answer(batch: list[bytes]) -> np.ndarray:
        outputs = serve(**{argument: tf.constant(batch)})
        return np.concatenate([output.numpy().reshape(len(batch), -1) for output in outputs.values()], axis=1)

    together = answer(examples)
    for example in examples[:WARM_UP_REQUESTS]:
        answer([example])
    seconds, alone = [], []
    for example in examples:
        start = time.perf_counter()
        alone.append(answer([example]))
        seconds.append(time.perf_counter() - start)
    return {
        "rows": len(together),
        "finite": bool(np.isfinite(together).all()),
        "p99_ms": float(np.percentile(seconds, 99) * 1000),
        "batch_difference": max_difference(np.concatenate(alone), together),
    }


def max_difference(alone: np.ndarray, together: np.ndarray) -> float:
    """The largest between answers alone and in a batch [rows, outputs], relative where the answer is beyond 1."""
    size = np.abs(together)
    return float(np.max(np.abs(alone - together) / np.maximum(1, np.maximum(size, MIN_RELATIVE_SCALE * size.max()))))


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(probe(sys.argv[1], sys.argv[2])))
