"""The profile of a table: its label, its columns, and the use of each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flightline.errors import UsageError
from flightline.init.association import Association, measure_association
from flightline.init.column_roles import Role, choose_role
from flightline.init.header_checks import check_separator
from flightline.init.table_reader import Column, InputTable, read_table
from flightline.init.target import InferredTarget, infer_target
from flightline.serving.target import Task
from flightline.utils.suggestions import suggest_names

EVAL_SHARE = 1 / 3
SMALL_TABLE_ROWS = 5_000  # smaller tables get a smaller network, more epochs and fewer bins
MIN_LABELLED_ROWS = 30


@dataclass(frozen=True)
class ColumnProfile:
    """One column, its use, and its association with the label."""

    column: Column
    role: Role
    association: Association | None

    @property
    def name(self) -> str:
        return self.column.name


@dataclass(frozen=True)
class TableProfile:
    """What `init` knows about a table.

    Attributes:
        table: the columns.
        label: the column to predict.
        target: the task.
        features: all other columns, in the order of the file.
    """

    table: InputTable
    label: Column
    target: InferredTarget
    features: tuple[ColumnProfile, ...]

    @property
    def labelled(self) -> int:
        return self.label.present

    @property
    def small(self) -> bool:
        return self.labelled < SMALL_TABLE_ROWS

    @property
    def excluded(self) -> tuple[ColumnProfile, ...]:
        return tuple(column for column in self.features if column.role.use == "excluded")

    @property
    def used(self) -> tuple[ColumnProfile, ...]:
        return tuple(column for column in self.features if column.role.use != "excluded")

    @property
    def eval_rows(self) -> int:
        """The approximate number of evaluation rows."""
        return int(self.labelled * EVAL_SHARE)


def profile_table(
    files: Sequence[str],
    label: str,
    task: Task | None = None,
    positive: str | None = None,
    include: Sequence[str] = (),
    missing_values: Sequence[str] = (),
) -> TableProfile:
    """Profile a table.

    Args:
        files: with the same columns, read as one table.
        label: the column to predict.
        task: overrides the inferred task.
        positive: overrides the inferred positive class.
        include: columns that are used despite reasons to exclude them.
        missing_values: texts that count as empty cells, besides those that are detected.

    Raises:
        UsageError: the label or a column of `include` does not exist, or the label cannot be used.
        InputError: a file cannot be read, or too many of its lines cannot be parsed.
    """
    table = read_table(files, missing_values=missing_values)
    table.unreadable.check()
    for option, name in (("--label", label), *(("--include", name) for name in include)):
        if name not in table.columns:
            check_separator(files[0], list(table.columns), name)
            raise UsageError(f"{option} {name}: {files[0]} has no such column", suggest_names(name, table.columns))
    column = table.columns[label].without_infinity()
    target = infer_target(column, task, positive)
    if column.present < MIN_LABELLED_ROWS:
        raise UsageError(
            f"only {column.present} rows have a label, but at least {MIN_LABELLED_ROWS} are needed to evaluate a model",
            "provide more rows",
        )
    features = tuple(
        _profile_column(other, column, target, other.name in include)
        for other in table.columns.values()
        if other.name != label
    )
    found = TableProfile(table, column, target, features)
    if not found.used:
        reasons = "; ".join(f"{feature.name}: {feature.role.evidence}" for feature in features[:3])
        raise UsageError(
            f"every column is excluded ({reasons})", "use --include COLUMN for a column that is known before the label"
        )
    return found


def _profile_column(column: Column, label: Column, target: InferredTarget, include: bool) -> ColumnProfile:
    varies = column.distinct > 1 or (column.distinct and column.missing)
    association = measure_association(column, label, target) if varies else None
    role = choose_role(column, association)
    if include and column.distinct:
        role = Role("number" if column.is_number else "category")
    return ColumnProfile(column, role, association)
