"""A table, looked at as a whole: its label, its columns, what speaks for and against each."""

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
SMALL_TABLE_ROWS = 5_000  # rows: fewer want a smaller network, more passes and fewer bins
MIN_LABELLED_ROWS = 30


@dataclass(frozen=True)
class ColumnProfile:
    """One column and what was found about it."""

    column: Column
    role: Role
    association: Association | None

    @property
    def name(self) -> str:
        return self.column.name


@dataclass(frozen=True)
class TableProfile:
    """What `init` knows of a table.

    Attributes:
        features: every column but the label, in the order of the file.
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
        return tuple(one for one in self.features if one.role.use == "excluded")

    @property
    def used(self) -> tuple[ColumnProfile, ...]:
        return tuple(one for one in self.features if one.role.use != "excluded")

    @property
    def eval_rows(self) -> int:
        """About how many rows will judge the model."""
        return int(self.labelled * EVAL_SHARE)


def profile_table(
    files: Sequence[str],
    label: str,
    task: Task | None = None,
    positive: str | None = None,
    keep: Sequence[str] = (),
    missing: Sequence[str] = (),
) -> TableProfile:
    """Looks at a table.

    Args:
        files: with the same columns, read as one.
        label: the column to predict.
        task, positive: what the user has settled.
        keep: columns that are not to be left out, whatever speaks against them.
        missing: cells that mean what an empty one does, beside those that are found.

    Raises:
        UsageError: the label or a column of `keep` is not there, or the label is of no use.
        InputError: a file cannot be read, or too many of its lines.
    """
    table = read_table(files, missing=missing)
    table.unreadable.check()
    for option, name in (("--label", label), *(("--keep", name) for name in keep)):
        if name not in table.columns:
            check_separator(files[0], list(table.columns), name)
            raise UsageError(f"{option} {name}: {files[0]} has no such column", suggest_names(name, table.columns))
    column = table.columns[label]
    target = infer_target(column, task, positive)
    if column.present < MIN_LABELLED_ROWS:
        raise UsageError(
            f"{column.present} rows have a label: {MIN_LABELLED_ROWS} are the fewest that a model can be judged on",
            "bring more rows",
        )
    features = tuple(
        _profile_column(other, column, target, other.name in keep)
        for other in table.columns.values()
        if other.name != label
    )
    found = TableProfile(table, column, target, features)
    if not found.used:
        reasons = "; ".join(f"{one.name}: {one.role.evidence}" for one in features[:3])
        raise UsageError(
            f"no column is left for the model ({reasons})", "--keep COLUMN keeps one that is known in time"
        )
    return found


def _profile_column(column: Column, label: Column, target: InferredTarget, keep: bool) -> ColumnProfile:
    varies = column.distinct > 1 or (column.distinct and column.missing)
    association = measure_association(column, label, target) if varies else None
    role = choose_role(column, association)
    if keep and column.distinct:
        role = Role("number" if column.is_number else "category")
    return ColumnProfile(column, role, association)
