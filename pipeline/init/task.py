"""What a label asks for, read off its values: the task, the classes, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pipeline.errors import UsageError
from pipeline.init.dates import a_date
from pipeline.init.reading import Column
from pipeline.init.spelling import numbers_in_disguise

Task = Literal["binary", "multiclass", "regression"]
MOST_CLASSES = 50
FEW_VALUES = 20  # whole numbers with more values than this are amounts
_MOST_LOOKED_AT = 2_000  # distinct texts
ROWS_A_CLASS = 5  # on average, that classes need

# Words for yes and for no. Where a label has one of each, what the model predicts is the yes.
_YES = frozenset(("1", "y", "yes", "t", "true", "on", "positive", "pos", "success", "passed", "won", "present"))
_NO = frozenset(("0", "n", "no", "f", "false", "off", "negative", "neg", "failure", "failed", "lost", "absent"))
_WARNED_OF = ("bad", "good")  # of these the model is to warn of the first


@dataclass(frozen=True)
class Target:
    """The label and its task.

    Attributes:
        why: the evidence for the task, one sentence.
        classes: the label's values, in the order of their ids; empty for regression, and for 0 and 1 as they are.
        positive: of two classes, the one that the probability is of.
        why_positive: how it was chosen.
        rates: share of the labelled rows of each class, in order; empty for regression.
    """

    label: str
    task: Task
    why: str
    classes: tuple[Any, ...] = ()
    positive: Any = None
    why_positive: str = ""
    rates: tuple[float, ...] = ()


def infer_target(column: Column, asked: Task | None = None, positive: str | None = None) -> Target:
    """The task of a label. `asked` has the last word where it can work; `positive` names a class.

    Raises:
        UsageError: no task fits the values.
    """
    if column.distinct < 2:
        held = f"only {_shown(column.values[0])}" if column.distinct else "no value at all"
        raise UsageError(f"--label {column.name}: {held} in {column.rows:,} rows", "a label needs two values or more")
    task, why = (asked, "asked for by --task") if asked else _task(column)
    if task == "regression":
        if not column.is_number:
            todo = _said_of_text(column) or "choose binary or multiclass"
            raise UsageError(f"--task regression: the label {column.name} is text", todo)
        return Target(column.name, "regression", why)
    if task == "binary" and column.distinct != 2:
        raise UsageError(
            f"--task binary: the label {column.name} has {column.distinct:,} values", "choose another task"
        )
    if column.distinct > MOST_CLASSES:
        raise UsageError(
            f"--label {column.name}: {column.distinct:,} values are too many classes ({MOST_CLASSES} at most)",
            "--task regression takes it as a number"
            if column.is_number
            else _said_of_text(column) or "group them, or name another column",
        )
    return _classes(column, task, why, positive)


def _said_of_text(column: Column) -> str:
    """What a label of text is that it should not be, and what to do; empty for classes."""
    if disguise := numbers_in_disguise(column):
        return f"they look like {'; '.join(disguise)}"
    if a_date(column.values[:_MOST_LOOKED_AT].tolist()):
        return "they are dates: make a column of what is to be predicted of them, such as days until then"
    return ""


def _task(column: Column) -> tuple[Task, str]:
    if column.distinct == 2:
        return "binary", f"two values, {_shown(column.values[0])} and {_shown(column.values[1])}"
    if not column.is_number:
        return "multiclass", f"text with {column.distinct:,} values"
    whole = bool((column.values == np.floor(column.values)).all())
    if not whole:
        return "regression", f"numbers with fractions, {column.distinct:,} values"
    if column.distinct <= FEW_VALUES and column.present >= ROWS_A_CLASS * column.distinct:
        return "multiclass", f"whole numbers with {column.distinct} values; --task regression if they are amounts"
    return "regression", f"whole numbers with {column.distinct:,} values"


def _classes(column: Column, task: Task, why: str, asked: str | None) -> Target:
    values: list[Any] = column.values.tolist()
    rates = {value: float(count) / column.present for value, count in zip(values, column.counts, strict=True)}
    if task == "multiclass":
        if asked is not None:
            raise UsageError(f"--positive {asked}: the label {column.name} has {len(values)} classes", "leave it out")
        return Target(column.name, task, why, tuple(values), rates=tuple(rates[value] for value in values))
    positive, why_positive = _positive(column, values, rates, asked)
    negative = next(value for value in values if value != positive)
    plain = column.is_number and (negative, positive) == (0, 1)
    return Target(
        label=column.name,
        task="binary",
        why=why,
        classes=() if plain else (negative, positive),
        positive=positive,
        why_positive=why_positive,
        rates=(rates[negative], rates[positive]),
    )


def _positive(column: Column, values: Sequence[Any], rates: dict[Any, float], asked: str | None) -> tuple[Any, str]:
    if asked is not None:
        for value in values:
            if str(value) == asked or (column.kind == "float" and f"{value:g}" == asked):
                return value, "asked for by --positive"
        raise UsageError(f"--positive {asked}: the label {column.name} has {' and '.join(map(_shown, values))}")
    words = [f"{value:g}" if column.is_number else str(value).strip().casefold() for value in values]
    for positive, other in ((0, 1), (1, 0)):
        if words[positive] in _YES and words[other] in _NO:
            return values[positive], "the word for yes"
        if (words[positive], words[other]) == _WARNED_OF:
            return values[positive], "the outcome to be warned of; --positive names the other"
    rarer = min(values, key=lambda value: (rates[value], value != values[-1]))
    how = "the rarer" if rates[values[0]] != rates[values[1]] else "the last in order"
    return rarer, f"{how} of the two; --positive names the other"


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else repr(value) if isinstance(value, str) else str(value)
