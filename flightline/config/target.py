"""What is predicted: the task, and which of a label's values means what. Needs no TensorFlow."""

from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from flightline.config.evaluation import TASK_METRICS
from flightline.config.section import Settings, Task

MIN_CLASSES, MAX_CLASSES = 3, 1000


def _reject_yaml_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"{value} is what YAML makes of yes and no, on and off: write the label's value in quotes")
    return value


LabelValue = Annotated[str | int | float, BeforeValidator(_reject_yaml_boolean)]


class Target(Settings):
    """What the label is to the model.

    - `binary`: the probability of one of two values is learnt, that of 1 or of `positive`.
    - `multiclass`: a probability for each of `classes`.
    - `regression`: the label is an amount, and its mean is learnt.
    """

    task: Task = Field("binary", description="What is predicted: binary, multiclass or regression.")
    positive: LabelValue | None = Field(
        None, description="binary: the label's value that counts as 1, every other as 0; none where they are 0 and 1."
    )
    classes: tuple[LabelValue, ...] = Field(
        (), description="multiclass: the label's values, in the order in which the model gives their probabilities."
    )

    @model_validator(mode="after")
    def _check_task_options(self) -> "Target":
        if self.positive is not None and self.task != "binary":
            raise ValueError(f"positive: a {self.task} label has no value that counts as 1; leave it out")
        if self.classes and self.task != "multiclass":
            raise ValueError(f"classes: they are for task: multiclass, and the task is {self.task}")
        if self.task == "multiclass":
            if not MIN_CLASSES <= len(self.classes) <= MAX_CLASSES:
                raise ValueError(
                    f"classes: {len(self.classes)} are named; multiclass takes {MIN_CLASSES} to {MAX_CLASSES:,} "
                    "(two are task: binary, with `positive`)"
                )
            if len(set(self.classes)) < len(self.classes):
                raise ValueError("classes: one of them is there twice")
            if len({isinstance(value, str) for value in self.classes}) > 1:
                raise ValueError("classes: some are text and some are numbers; text is written in quotes")
        return self

    @property
    def outputs(self) -> int:
        """How many numbers the model's last layer gives."""
        return len(self.classes) or 1

    @property
    def metrics(self) -> tuple[str, ...]:
        """What Evaluator measures."""
        return tuple(TASK_METRICS[self.task])

    def describe_prediction(self, label: str) -> str:
        """What the model predicts of a label, in words: for model cards."""
        if self.task == "regression":
            return f"the value of {label}"
        if self.task == "multiclass":
            return f"the probability of each of the {len(self.classes)} classes of {label}"
        return f"the probability that {label} is {1 if self.positive is None else self.positive}"

    def check_label(self, label: str, label_type: str) -> None:
        """Holds the task against the label's type in the schema.

        Raises:
            ValueError: they do not go together.
        """
        if label_type not in ("INT", "FLOAT", "BYTES"):
            raise ValueError(f"label {label!r} is {label_type}: it must be INT, FLOAT or BYTES")
        is_text = label_type == "BYTES"
        if self.task == "regression":
            if is_text:
                raise ValueError(f"label {label!r} is text: task: regression takes numbers")
            return
        if self.task == "binary" and self.positive is None:
            if is_text:
                raise ValueError(f"label {label!r} is text: `positive` must say which value counts as 1, in quotes")
            return
        key, named = ("classes", self.classes[0]) if self.classes else ("positive", self.positive)
        if is_text and not isinstance(named, str):
            raise ValueError(f"label {label!r} is text, and `{key}` has the number {named!r}: write it in quotes")
        if not is_text and isinstance(named, str):
            raise ValueError(f"label {label!r} is {label_type}, and `{key}` has the text {named!r}: write a number")


BINARY_TARGET = Target()
"""Labels of 0 and 1."""
