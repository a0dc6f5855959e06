"""A release in memory: its SavedModel, its contract, its version; loaded and checked before it may answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flightline.serving.contract import Contract
from flightline.serving.target import Target

CURRENT_FILE, RELEASE_JSON = "CURRENT", "release.json"
SIGNATURE = "serving_default"
MAX_RELATIVE_DIFFERENCE = 1e-4  # relative, of an example's answer alone and in a batch: float32 sums in another order
MIN_RELATIVE_SCALE = 0.01  # of the largest amount: one near zero is a sum of terms of that size, and as exact as these
WARM_UP_BATCH_SIZES = (1, 2, 8, 64)  # sizes of batches


class InvalidRelease(ValueError):
    """A release that cannot be served, and why."""


@dataclass(frozen=True, eq=False)
class Release:
    """A release that answers.

    Attributes:
        version: the name of its folder.
        contract: what it takes, and what its answers mean.
        predict: serialized tf.Examples to float32 [rows, numbers of the target]; thread-safe.
        about: its release.json.
    """

    version: str
    contract: Contract
    predict: Callable[[list[bytes]], np.ndarray]
    about: dict[str, Any]


def current_version(releases: Path) -> str | None:
    """The version that `CURRENT` names; None where there is none."""
    try:
        return (releases / CURRENT_FILE).read_text(encoding="utf-8").strip() or None
    except (FileNotFoundError, NotADirectoryError):
        return None


def load_release(folder: Path) -> Release:
    """Loads a release and asks it for what it will be asked for.

    Raises:
        BadRelease: it does not load, names no inputs, or gives an answer that is none.
    """
    try:
        about = json.loads((folder / RELEASE_JSON).read_text(encoding="utf-8"))
        contract = Contract.from_inputs(about["inputs"], Target.from_release(about))
    except FileNotFoundError as error:
        raise InvalidRelease(f"{folder} is no release: it has no {RELEASE_JSON}") from error
    except KeyError as error:
        raise InvalidRelease(
            f"{folder}: its {RELEASE_JSON} says no inputs; release it anew (make run ARGS=--no-cache)"
        ) from error
    except (OSError, ValueError, TypeError) as error:
        raise InvalidRelease(f"{folder}: {RELEASE_JSON} cannot be used: {error}") from error
    try:
        release = Release(folder.name, contract, _load_predictor(folder), about)
    except Exception as error:  # whatever TensorFlow raises of a model that is broken or incomplete
        raise InvalidRelease(f"{folder}: the model does not load: {' '.join(str(error).split())[:300]}") from error
    _probe_release(release)
    return release


def _load_predictor(folder: Path) -> Callable[[list[bytes]], np.ndarray]:
    import tensorflow as tf

    model = tf.saved_model.load(str(folder))
    if SIGNATURE not in model.signatures:
        raise ValueError(f"it has no signature {SIGNATURE}")
    serve = model.signatures[SIGNATURE]
    [argument] = serve.structured_input_signature[1]
    [output] = serve.structured_outputs

    def predict(examples: list[bytes]) -> np.ndarray:
        # `model` is named here to live as long as this: its signature alone does not keep its variables.
        assert model is not None
        return serve(**{argument: tf.constant(examples)})[output].numpy().reshape(len(examples), -1)

    return predict


def _probe_release(release: Release) -> None:
    """Asks a release for the probes of its contract, alone and in batches."""
    probes = release.contract.read_rows(list(release.contract.probe())).examples
    try:
        alone = np.concatenate([release.predict([example]) for example in probes])
        for size in WARM_UP_BATCH_SIZES:
            together = release.predict((probes * size)[:size])
    except Exception as error:
        raise InvalidRelease(f"{release.version}: it does not answer: {' '.join(str(error).split())[:300]}") from error
    if len(together) != WARM_UP_BATCH_SIZES[-1]:
        raise InvalidRelease(f"{release.version}: {WARM_UP_BATCH_SIZES[-1]} examples got {len(together)} answers")
    if problem := release.contract.target.find_problem(alone):
        raise InvalidRelease(f"{release.version}: a probe was answered with {problem}")
    size = np.abs(alone)
    least = np.maximum(1, MIN_RELATIVE_SCALE * size.max())
    if float((np.abs(together[: len(alone)] - alone) / np.maximum(least, size)).max()) > MAX_RELATIVE_DIFFERENCE:
        raise InvalidRelease(f"{release.version}: an example alone and in a batch get different answers")
