"""The summary of `flightline init` on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from flightline.init.column_roles import format_value
from flightline.init.data_warnings import data_warnings
from flightline.init.profile import ColumnProfile, TableProfile
from flightline.utils.terminal import escape

_MAX_USED_COLUMNS_SHOWN = 30  # further ones are only counted


def print_profile(console: Console, profile: TableProfile) -> None:
    """Print the label, its task and the columns, the excluded ones first, because they need a decision."""
    target, table = profile.target, profile.table
    rows = f"{table.rows:,} rows" if table.complete else f"the first {table.rows:,} rows"
    console.print(f"[bold]{escape(table.files[0])}[/]  {rows}, {len(table.columns)} columns", soft_wrap=True)
    console.print(
        f"Label    {escape(target.label)}: [bold]{target.task}[/], {escape(target.why)} "
        f"({_label_distribution(profile)})",
        soft_wrap=True,
    )
    if target.positive is not None:
        why = f" ({target.positive_reason})" if target.positive_reason else ""
        console.print(f"Positive {escape(format_value(target.positive))}{escape(why)}", soft_wrap=True)
    if table.missing:
        markers = ", ".join(escape(repr(marker)) for marker in table.missing)
        console.print(f"Missing  {markers}: count as empty cells, in every column", soft_wrap=True)
    if profile.label.missing:
        infinite = profile.label.missing - table.columns[profile.label.name].missing
        detail = f" ({infinite:,} are infinite)" if infinite else ""
        console.print(f"         {profile.label.missing:,} rows have no label{detail} and will be rejected")
    for warning in data_warnings(profile):
        console.print(f"[bold yellow]Warning[/]  {escape(warning)}", soft_wrap=True)
    console.print(_columns_table(profile))
    if len(profile.used) > _MAX_USED_COLUMNS_SHOWN:
        console.print(f"and {len(profile.used) - _MAX_USED_COLUMNS_SHOWN:,} more used columns; all are in the schema")


def _label_distribution(profile: TableProfile) -> str:
    """The shares of the classes, or the range of the numbers."""
    label = profile.label
    if profile.target.task == "regression":
        return f"{escape(format_value(label.values[0]))} to {escape(format_value(label.values[-1]))}"
    return ", ".join(
        f"{escape(format_value(value))} {count / profile.labelled:.1%}"
        for value, count in zip(label.values, label.counts, strict=True)
    )


def _columns_table(profile: TableProfile) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False)
    for heading in ("column", "type", "use"):
        table.add_column(heading, overflow="fold")
    for heading in ("values", "missing", "association"):
        table.add_column(heading, justify="right")
    table.add_column("evidence", overflow="fold")
    for column_profile in profile.excluded:
        table.add_row(*_column_row(column_profile), style="yellow")
    for column_profile in profile.used[:_MAX_USED_COLUMNS_SHOWN]:
        table.add_row(*_column_row(column_profile))
    return table


def _column_row(profile: ColumnProfile) -> tuple[str, ...]:
    column, association = profile.column, profile.association
    kind = {"int": "int", "float": "float", "bytes": "text", None: ""}[column.kind]
    evidence = f"{profile.role.reason}: {profile.role.evidence}" if profile.role.reason else _usage_hint(profile)
    missing = f"{column.missing / column.rows:.1%}" if column.missing else ""
    measured = f"{association.measure} {association.value:.3f}" if association else ""
    return escape(column.name), kind, profile.role.use, f"{column.distinct:,}", missing, measured, escape(evidence)


def _usage_hint(profile: ColumnProfile) -> str:
    strong = profile.association and profile.association.strong
    alone = "strong alone: is it known before the label?" if strong else ""
    return "; ".join(filter(None, (alone, profile.role.evidence)))
