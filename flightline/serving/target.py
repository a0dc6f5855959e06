"""What a model predicts: the task and the label's values, and how outputs become predictions.

`Target` is the one description of the label: the config makes it, the feature plan carries it to training, and
release.json to the server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

Task = Literal["binary", "multiclass", "regression"]
TASKS: tuple[Task, ...] = get_args(Task)
Value = str | int | float
MIN_CLASSES, MAX_CLASSES = 3, 1000


@dataclass(frozen=True)
class Target:
    """The label, as the model predicts it.

    - `binary`: the model predicts the probability of one of two values: of `positive`, or of 1.
    - `multiclass`: it predicts a probability for each of `classes`.
    - `regression`: the label is a number, and the model predicts its mean.

    Attributes:
        positive: binary: the label's value that counts as 1; every other counts as 0. None where they are 1 and 0.
        classes: multiclass: the label's values, in the order of the model's outputs.
        negative: binary: the label's other value, where the schema names just two. Predictions then have these values
            as labels, otherwise 0 and 1.

    Raises:
        ValueError: the task is unknown, or the other arguments do not fit it.
    """

    task: Task = "binary"
    positive: Value | None = None
    classes: tuple[Value, ...] = ()
    negative: Value | None = None

    def __post_init__(self) -> None:
        if self.task not in TASKS:
            raise ValueError(f"task: {self.task!r} is not one of {', '.join(TASKS)}")
        if (self.positive is not None or self.negative is not None) and self.task != "binary":
            raise ValueError(f"positive_label: a {self.task} label has no value that counts as 1; leave it out")
        if self.negative is not None and self.positive is None:
            raise ValueError("the label's value that counts as 0 is given without the one that counts as 1")
        if self.classes and self.task != "multiclass":
            raise ValueError(f"classes: they are for task: multiclass, and the task is {self.task}")
        if self.task == "multiclass":
            if not MIN_CLASSES <= len(self.classes) <= MAX_CLASSES:
                raise ValueError(
                    f"classes: {len(self.classes)} are named; multiclass takes {MIN_CLASSES} to {MAX_CLASSES:,} "
                    "(with two, use task: binary and `positive_label`)"
                )
            if len(set(self.classes)) < len(self.classes):
                raise ValueError("classes: one of them is named twice")
            if len({isinstance(value, str) for value in self.classes}) > 1:
                raise ValueError("classes: some are text and some are numbers; write text in quotes")

    @classmethod
    def from_release(cls, metadata: Mapping[str, Any]) -> Target:
        """Read the target in release.json; a release without one has labels of 0 and 1.

        Raises:
            ValueError: it is not valid.
        """
        raw = metadata.get("target") or {}
        values = tuple(raw.get("values") or ())
        if values and len(values) != 2:
            raise ValueError(f"release.json: target: {len(values)} values of the label, where there must be two")
        negative, positive = values or (None, raw.get("positive"))
        try:
            return cls(raw.get("task", "binary"), positive, tuple(raw.get("classes") or ()), negative)
        except ValueError as error:
            raise ValueError(f"release.json: target: {error}") from error

    def to_json(self) -> dict[str, Any]:
        """The target as release.json has it; `from_release` reads it back."""
        entry: dict[str, Any] = {"task": self.task, "positive": self.positive, "classes": list(self.classes)}
        return entry | ({"values": list(self.label_values)} if self.label_values else {})

    @property
    def label_values(self) -> tuple[Value, ...]:
        """The label's values for 0 and 1, where it has others and both are known; else empty."""
        if self.negative is None or self.positive is None:
            return ()
        return (self.negative, self.positive)

    @property
    def outputs(self) -> int:
        """The number of model outputs for a row."""
        return len(self.classes) or 1

    def describe_prediction(self, label: str) -> str:
        """What the model predicts of a label, in words: for model cards."""
        if self.task == "regression":
            return f"the value of {label}"
        if self.task == "multiclass":
            return f"the probability of each of the {len(self.classes)} classes of {label}"
        return f"the probability that {label} is {1 if self.positive is None else self.positive}"

    def find_problem(self, outputs: np.ndarray) -> str:
        """What is wrong with outputs [rows, outputs]; empty if they are valid."""
        if outputs.shape[1] != self.outputs:
            return f"{outputs.shape[1]} numbers for a row, expected {self.outputs}"
        if self.task == "regression":
            return "" if np.isfinite(outputs).all() else f"{outputs.ravel().tolist()}, which are not all finite"
        if np.all((outputs >= 0) & (outputs <= 1)):  # false for NaN
            return ""
        return f"{outputs.ravel().tolist()}, which are not probabilities"

    def to_predictions(self, outputs: np.ndarray, threshold: float) -> Predictions:
        """Convert outputs [rows, outputs]; a binary probability of `threshold` or more gets the label 1."""
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
        values = self.target.label_values
        return [values[int(label)] for label in labels] if values else labels

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
