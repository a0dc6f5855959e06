"""Infer the task of a label from its values: task, classes, positive class, and the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flightline.errors import UsageError
from flightline.init.dates import date_example
from flightline.init.table_reader import Column
from flightline.init.text_numbers import describe_text_numbers
from flightline.serving.target import Task

MAX_CLASSES = 50
MAX_INTEGER_CLASSES = 20  # whole numbers with more values are a regression
_MAX_VALUES_CHECKED = 2_000  # distinct texts
MIN_ROWS_PER_CLASS = 5  # on average, for whole numbers to be classes

# If a label has a positive and a negative word, the positive one is the positive class.
_POSITIVE_WORDS = frozenset(
    ("1", "y", "yes", "t", "true", "on", "positive", "pos", "success", "passed", "won", "present")
)
_NEGATIVE_WORDS = frozenset(
    ("0", "n", "no", "f", "false", "off", "negative", "neg", "failure", "failed", "lost", "absent")
)
_BAD_GOOD_WORDS = ("bad", "good")  # of these, the first is the positive class


@dataclass(frozen=True)
class InferredTarget:
    """The label and its task.

    Attributes:
        label: the column.
        task: binary, multiclass or regression.
        why: the evidence for the task.
        classes: the label's values, in the order of their indices; empty for regression, and for 0 and 1.
        positive: the positive class of a binary label.
        positive_reason: why it was chosen.
        rates: the share of each class in the labelled rows; empty for regression.
    """

    label: str
    task: Task
    why: str
    classes: tuple[Any, ...] = ()
    positive: Any = None
    positive_reason: str = ""
    rates: tuple[float, ...] = ()


def infer_target(column: Column, requested: Task | None = None, positive: str | None = None) -> InferredTarget:
    """Infer the task of a label; `requested` and `positive` override the inferred task and positive class.

    Raises:
        UsageError: the values do not allow the task.
    """
    if column.distinct < 2:
        found = f"only {_format_value(column.values[0])}" if column.distinct else "no value at all"
        raise UsageError(f"--label {column.name}: {found} in {column.rows:,} rows", "a label needs at least two values")
    task, why = (requested, "chosen by --task") if requested else _infer_task(column)
    if task == "regression":
        if not column.is_number:
            advice = _text_label_advice(column) or "choose binary or multiclass"
            raise UsageError(f"--task regression: the label {column.name} is text", advice)
        return InferredTarget(column.name, "regression", why)
    if task == "binary" and column.distinct != 2:
        raise UsageError(
            f"--task binary: the label {column.name} has {column.distinct:,} values", "choose another task"
        )
    if column.distinct > MAX_CLASSES:
        raise UsageError(
            f"--label {column.name}: {column.distinct:,} values are too many classes ({MAX_CLASSES} at most)",
            "use --task regression to predict a number"
            if column.is_number
            else _text_label_advice(column) or "group them, or name another column",
        )
    return _class_target(column, task, why, positive)


def _text_label_advice(column: Column) -> str:
    """Advice for a text label that should be numbers or dates; empty for classes."""
    if description := describe_text_numbers(column):
        return f"they look like {'; '.join(description)}"
    if date_example(column.values[:_MAX_VALUES_CHECKED].tolist()):
        return "they are dates: add a column with a number to predict, such as the days until then"
    return ""


def _infer_task(column: Column) -> tuple[Task, str]:
    if column.distinct == 2:
        return "binary", f"two values, {_format_value(column.values[0])} and {_format_value(column.values[1])}"
    if not column.is_number:
        return "multiclass", f"text with {column.distinct:,} values"
    integral = bool((column.values == np.floor(column.values)).all())
    if not integral:
        return "regression", f"numbers with fractions, {column.distinct:,} values"
    if column.distinct <= MAX_INTEGER_CLASSES and column.present >= MIN_ROWS_PER_CLASS * column.distinct:
        return "multiclass", f"whole numbers with {column.distinct} values; --task regression if they are quantities"
    return "regression", f"whole numbers with {column.distinct:,} values"


def _class_target(column: Column, task: Task, reason: str, requested: str | None) -> InferredTarget:
    values: list[Any] = column.values.tolist()
    rates = {value: float(count) / column.present for value, count in zip(values, column.counts, strict=True)}
    if task == "multiclass":
        if requested is not None:
            raise UsageError(
                f"--positive {requested}: the label {column.name} has {len(values)} classes", "remove the option"
            )
        return InferredTarget(column.name, task, reason, tuple(values), rates=tuple(rates[value] for value in values))
    positive, positive_reason = _choose_positive(column, values, rates, requested)
    negative = next(value for value in values if value != positive)
    zero_one = column.is_number and (negative, positive) == (0, 1)
    return InferredTarget(
        label=column.name,
        task="binary",
        why=reason,
        classes=() if zero_one else (negative, positive),
        positive=positive,
        positive_reason=positive_reason,
        rates=(rates[negative], rates[positive]),
    )


def _choose_positive(
    column: Column, values: Sequence[Any], rates: dict[Any, float], requested: str | None
) -> tuple[Any, str]:
    if requested is not None:
        for value in values:
            if str(value) == requested or (column.kind == "float" and f"{value:g}" == requested):
                return value, "chosen by --positive"
        raise UsageError(
            f"--positive {requested}: the label {column.name} has {' and '.join(map(_format_value, values))}"
        )
    words = [f"{value:g}" if column.is_number else str(value).strip().casefold() for value in values]
    for positive, other in ((0, 1), (1, 0)):
        if words[positive] in _POSITIVE_WORDS and words[other] in _NEGATIVE_WORDS:
            return values[positive], "the word for yes"
        if (words[positive], words[other]) == _BAD_GOOD_WORDS:
            return values[positive], "the outcome to warn of; --positive chooses the other"
    rarer = min(values, key=lambda value: (rates[value], value != values[-1]))
    choice = "the rarer value" if rates[values[0]] != rates[values[1]] else "the last value in order"
    return rarer, f"{choice}; --positive chooses the other"


def _format_value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value) if isinstance(value, str) else str(value)
