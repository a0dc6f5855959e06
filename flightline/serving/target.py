"""The meaning of a model's outputs: a probability and a label, a probability for each class, or a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Value = str | int | float


@dataclass(frozen=True)
class Target:
    """What a model predicts.

    Attributes:
        task: binary, multiclass or regression.
        classes: for multiclass, the label's values in the order of the model's outputs.
        values: for binary, the negative and the positive value of the label; empty for 0 and 1, or if unknown.
    """

    task: str = "binary"
    classes: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()

    @classmethod
    def from_release(cls, metadata: Mapping[str, Any]) -> Target:
        """The target in a release.json; binary by default.

        Raises:
            ValueError: the target is invalid.
        """
        raw = metadata.get("target") or {}
        target = cls(raw.get("task", "binary"), tuple(raw.get("classes") or ()), tuple(raw.get("values") or ()))
        if target.task not in ("binary", "multiclass", "regression"):
            raise ValueError(f"the release has an unknown task, {target.task!r}")
        if (target.task == "multiclass") != bool(target.classes):
            raise ValueError(f"a {target.task} release cannot have {len(target.classes)} classes")
        if target.values and (target.task != "binary" or len(target.values) != 2):
            raise ValueError(f"a {target.task} release cannot have {len(target.values)} label values")
        return target

    @property
    def width(self) -> int:
        """The number of model outputs for a row."""
        return len(self.classes) or 1

    def find_problem(self, outputs: np.ndarray) -> str:
        """What is wrong with outputs [rows, width]; empty if they are valid."""
        if outputs.shape[1] != self.width:
            return f"{outputs.shape[1]} numbers for a row, expected {self.width}"
        if self.task == "regression":
            return "" if np.isfinite(outputs).all() else f"{outputs.ravel().tolist()}, which are not all finite"
        if np.all((outputs >= 0) & (outputs <= 1)):  # false for NaN
            return ""
        return f"{outputs.ravel().tolist()}, which are not probabilities"

    def to_predictions(self, outputs: np.ndarray, threshold: float) -> Predictions:
        """Convert outputs [rows, width]; a binary probability of `threshold` or more gets the label 1."""
        if self.task == "regression":
            return Predictions(self, outputs[:, 0])
        if self.task == "binary":
            return Predictions(self, outputs[:, 0], (outputs[:, 0] >= threshold).astype(np.int64))
        indices = outputs.argmax(axis=1)
        labels = np.array(self.classes, object)[indices]
        return Predictions(self, outputs[np.arange(len(outputs)), indices], labels, outputs)


BINARY_TARGET = Target()


@dataclass(frozen=True)
class Predictions:
    """The predictions for some rows.

    Attributes:
        target: what is predicted.
        scores: float32 [rows]: the probability of 1, that of the predicted class, or the predicted number.
        labels: [rows] 0 or 1, or classes; None for regression.
        probabilities: float32 [rows, classes] for multiclass, else None.
    """

    target: Target
    scores: np.ndarray
    labels: np.ndarray | None = None
    probabilities: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def label_values(self) -> list[Value]:
        """The labels as values of the label column, such as `yes` instead of 1; empty for regression."""
        labels: list[Value] = [] if self.labels is None else self.labels.tolist()
        return [self.target.values[int(label)] for label in labels] if self.target.values else labels

    def rows(self) -> list[dict[str, Any]]:
        """The predictions as JSON objects, one for each row."""
        if self.labels is None:
            return [{"prediction": number} for number in self.scores.tolist()]
        both = zip(self.scores.tolist(), self.label_values, strict=True)
        rows: list[dict[str, Any]] = [{"probability": score, "label": label} for score, label in both]
        if self.probabilities is not None:
            names = [str(value) for value in self.target.classes]
            for row, probabilities in zip(rows, self.probabilities.tolist(), strict=True):
                row["probabilities"] = dict(zip(names, probabilities, strict=True))
        return rows
