"""A release in memory: its model and contract, loaded and checked before it serves requests."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flightline.serving.contract import Contract
from flightline.serving.file_records import find_release_damage
from flightline.serving.target import Target

CURRENT_FILE, RELEASE_JSON = "CURRENT", "release.json"
SIGNATURE = "serving_default"
# Between the prediction for an example alone and in a batch: float32 sums may be computed in another order. Relative to
# the prediction itself, or to a share of the largest one, because a value near zero is a sum of much larger terms.
MAX_RELATIVE_DIFFERENCE = 1e-4
MIN_RELATIVE_SCALE = 0.01
WARM_UP_BATCH_SIZES = (1, 2, 8, 64)


class InvalidRelease(ValueError):
    """A release cannot be served; the message says why."""


@dataclass(frozen=True, eq=False)
class Release:
    """A loaded release.

    Attributes:
        version: the name of its folder.
        contract: its features, and the meaning of its predictions.
        predict: from serialized tf.Examples to float32 [rows, outputs]; thread-safe.
        metadata: its release.json.
    """

    version: str
    contract: Contract
    predict: Callable[[list[bytes]], np.ndarray]
    metadata: dict[str, Any]


def current_version(releases: Path) -> str | None:
    """The version in `CURRENT`; None if there is none."""
    try:
        return (releases / CURRENT_FILE).read_text(encoding="utf-8").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


def load_release(folder: Path) -> Release:
    """Load a release and check it with sample requests.

    Raises:
        InvalidRelease: its files are not those that were released, it does not load, has no input contract, or returns
            invalid predictions.
    """
    try:
        metadata = json.loads((folder / RELEASE_JSON).read_text(encoding="utf-8"))
        contract = Contract.from_inputs(metadata["inputs"], Target.from_release(metadata))
    except FileNotFoundError as error:
        raise InvalidRelease(f"{folder} is not a release: it has no {RELEASE_JSON}") from error
    except KeyError as error:
        raise InvalidRelease(
            f"{folder}: its {RELEASE_JSON} has no inputs; release the model again (make run ARGS=--no-cache)"
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise InvalidRelease(f"{folder}: {RELEASE_JSON} is invalid: {error}") from error
    if damage := find_release_damage(folder, metadata):
        more = f" and {len(damage) - 1} more" if len(damage) > 1 else ""
        raise InvalidRelease(f"{folder} is damaged: {damage[0]}{more}; restore its files, or release the model again")
    try:
        release = Release(folder.name, contract, _load_predictor(folder), metadata)
    except Exception as error:  # TensorFlow raises many types for a broken or incomplete model
        raise InvalidRelease(f"{folder}: the model does not load: {' '.join(str(error).split())[:300]}") from error
    _probe_release(release)
    return release


def _load_predictor(folder: Path) -> Callable[[list[bytes]], np.ndarray]:
    import tensorflow as tf

    model = tf.saved_model.load(str(folder))
    if SIGNATURE not in model.signatures:
        raise ValueError(f"the model has no signature {SIGNATURE}")
    serve = model.signatures[SIGNATURE]
    [argument] = serve.structured_input_signature[1]
    [output] = serve.structured_outputs

    def predict(examples: list[bytes]) -> np.ndarray:
        # This reference keeps the model alive; its signature alone does not keep its variables.
        assert model is not None
        return serve(**{argument: tf.constant(examples)})[output].numpy().reshape(len(examples), -1)

    return predict


def _probe_release(release: Release) -> None:
    """Check the predictions for the contract's sample rows, alone and in batches."""
    probes = release.contract.read_rows(list(release.contract.probe())).examples
    try:
        alone = np.concatenate([release.predict([example]) for example in probes])
        for size in WARM_UP_BATCH_SIZES:
            batched = release.predict((probes * size)[:size])
    except Exception as error:
        raise InvalidRelease(
            f"{release.version}: the model fails on a sample request: {' '.join(str(error).split())[:300]}"
        ) from error
    if len(batched) != WARM_UP_BATCH_SIZES[-1]:
        raise InvalidRelease(f"{release.version}: {WARM_UP_BATCH_SIZES[-1]} examples got {len(batched)} predictions")
    if problem := release.contract.target.find_problem(alone):
        raise InvalidRelease(f"{release.version}: for a sample request the model returned {problem}")
    size = np.abs(alone)
    least = np.maximum(1, MIN_RELATIVE_SCALE * size.max())
    if float((np.abs(batched[: len(alone)] - alone) / np.maximum(least, size)).max()) > MAX_RELATIVE_DIFFERENCE:
        raise InvalidRelease(f"{release.version}: an example gets different predictions alone and in a batch")
