"""What a release answers with: a probability and a label, a probability for each class, or an amount."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Value = str | int | float


@dataclass(frozen=True)
class Target:
    """What a model's outputs mean.

    Attributes:
        task: binary, multiclass or regression.
        classes: of multiclass, the label's values in the order of the model's outputs.
        values: of binary, the label's values for 0 and 1, where it has others and both are known.
    """

    task: str = "binary"
    classes: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()

    @classmethod
    def from_release(cls, about: Mapping[str, Any]) -> Target:
        """What release.json says; one that says nothing is of binary labels. Raises ValueError where it is none."""
        said = about.get("target") or {}
        target = cls(said.get("task", "binary"), tuple(said.get("classes") or ()), tuple(said.get("values") or ()))
        if target.task not in ("binary", "multiclass", "regression"):
            raise ValueError(f"the release's task is {target.task!r}")
        if (target.task == "multiclass") != bool(target.classes):
            raise ValueError(f"a {target.task} release names {len(target.classes)} classes")
        if target.values and (target.task != "binary" or len(target.values) != 2):
            raise ValueError(f"a {target.task} release names {len(target.values)} values of its label")
        return target

    @property
    def width(self) -> int:
        """How many numbers the model gives for a row."""
        return len(self.classes) or 1

    def find_problem(self, outputs: np.ndarray) -> str:
        """Why outputs [rows, width] are no answers, or nothing."""
        if outputs.shape[1] != self.width:
            return f"{outputs.shape[1]} numbers for a row, where {self.width} are wanted"
        if self.task == "regression":
            return "" if np.isfinite(outputs).all() else f"{outputs.ravel().tolist()}, not with finite numbers"
        if np.all((outputs >= 0) & (outputs <= 1)):  # NaN is neither
            return ""
        return f"{outputs.ravel().tolist()}, not with probabilities"

    def answers(self, outputs: np.ndarray, threshold: float) -> Answers:
        """The answers that outputs [rows, width] are; a probability of `threshold` or more is labelled 1."""
        if self.task == "regression":
            return Answers(self, outputs[:, 0])
        if self.task == "binary":
            return Answers(self, outputs[:, 0], (outputs[:, 0] >= threshold).astype(np.int64))
        places = outputs.argmax(axis=1)
        labels = np.array(self.classes, object)[places]
        return Answers(self, outputs[np.arange(len(outputs)), places], labels, outputs)


BINARY_TARGET = Target()


@dataclass(frozen=True)
class Answers:
    """The answers to some rows.

    Attributes:
        scores: float32 [rows]: the probability of 1, that of the label, or the amount.
        labels: [rows] 0 and 1, or classes; None of amounts. `told` has them as the label's values.
        probabilities: float32 [rows, classes], where there are several.
    """

    target: Target
    scores: np.ndarray
    labels: np.ndarray | None = None
    probabilities: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def told(self) -> list[Value]:
        """The labels as the caller knows them: words, where the label is in words. Amounts have none."""
        labels: list[Value] = [] if self.labels is None else self.labels.tolist()
        return [self.target.values[int(label)] for label in labels] if self.target.values else labels

    def rows(self) -> list[dict[str, Any]]:
        """Each answer as JSON has it."""
        if self.labels is None:
            return [{"prediction": amount} for amount in self.scores.tolist()]
        both = zip(self.scores.tolist(), self.told, strict=True)
        found: list[dict[str, Any]] = [{"probability": score, "label": label} for score, label in both]
        if self.probabilities is not None:
            names = [str(value) for value in self.target.classes]
            for answer, shares in zip(found, self.probabilities.tolist(), strict=True):
                answer["probabilities"] = dict(zip(names, shares, strict=True))
        return found
