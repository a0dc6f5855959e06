"""The script of ServingCheck: loads a SavedModel with TensorFlow only, as a model server does, and sends it requests.

python serving_probe.py SAVED_MODEL REQUESTS.tfrecord RESULT.json
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

# Largest relative difference between the outputs of an example alone and in a batch: float32 sums in another order.
MAX_BATCH_DIFFERENCE = 1e-4
# Outputs below this fraction of the largest one are compared on that scale: a value near zero can be the sum of large
# terms, and has their rounding errors.
MIN_RELATIVE_SCALE = 0.01
WARM_UP_REQUESTS = 10


def probe(saved_model: str, requests: str) -> dict[str, Any]:
    """Loads the model and sends it all requests, first as one batch and then one by one.

    Returns:
        rows: number of outputs; finite: whether all are finite; p99_ms: 99th percentile of the time of a request with
        one example, in milliseconds; batch_difference: see `max_difference`.
    """
    import tensorflow as tf

    serve = tf.saved_model.load(saved_model).signatures["serving_default"]
    argument = next(iter(serve.structured_input_signature[1]))
    examples = list(tf.data.TFRecordDataset([requests]).as_numpy_iterator())

    def predict(batch: list[bytes]) -> np.ndarray:
        outputs = serve(**{argument: tf.constant(batch)})
        return np.concatenate([output.numpy().reshape(len(batch), -1) for output in outputs.values()], axis=1)

    batch_outputs = predict(examples)
    for example in examples[:WARM_UP_REQUESTS]:
        predict([example])
    seconds, single_outputs = [], []
    for example in examples:
        start = time.perf_counter()
        single_outputs.append(predict([example]))
        seconds.append(time.perf_counter() - start)
    return {
        "rows": len(batch_outputs),
        "finite": bool(np.isfinite(batch_outputs).all()),
        "p99_ms": float(np.percentile(seconds, 99) * 1000),
        "batch_difference": max_difference(np.concatenate(single_outputs), batch_outputs),
    }


def max_difference(single_outputs: np.ndarray, batch_outputs: np.ndarray) -> float:
    """The largest difference between two arrays [rows, outputs]; relative for outputs above 1, absolute below."""
    size = np.abs(batch_outputs)
    scale = np.maximum(1, np.maximum(size, MIN_RELATIVE_SCALE * size.max()))
    return float(np.max(np.abs(single_outputs - batch_outputs) / scale))


if __name__ == "__main__":
    Path(sys.argv[3]).write_text(json.dumps(probe(sys.argv[1], sys.argv[2])))
