"""What a header says of a file that is not yet a table: another separator, a column without a name."""

from __future__ import annotations

from collections.abc import Sequence

from flightline.errors import InputError

_OTHER_SEPARATORS = {";": "';'", "\t": "a tab", "|": "'|'"}


def check_header(path: str, columns: Sequence[str]) -> None:
    """Refuses what no column can be told by.

    Raises:
        InputError: the columns are separated by something else than commas, or one has no name.
    """
    if len(columns) == 1:
        check_separator(path, columns)
    for place, name in enumerate(columns, 1):
        if not name.strip():
            raise InputError(f"{path}: column {place} has no name", _unnamed_column_advice(first=place == 1))


def check_separator(path: str, columns: Sequence[str], wanted: str = "") -> None:
    """Refuses a header that another separator cuts into columns, `wanted` among them.

    Raises:
        InputError: which separator it seems to be, and how to get to commas.
    """
    line = ",".join(columns)
    for separator, said in _OTHER_SEPARATORS.items():
        names = line.split(separator)
        if len(names) > 1 and (not wanted or wanted in names):
            raise InputError(
                f"{path}: the separator seems to be {said}, not a comma ({len(names)} columns, {names[0]!r} first)",
                f"save it with commas, such as by pandas: read_csv(..., sep={separator!r}).to_csv(..., index=False); "
                "decimal=',' reads numbers like 1,5",
            )


def _unnamed_column_advice(first: bool) -> str:
    if not first:
        return "name it in the header, or drop the column"
    return (
        "where it numbers the rows, save without it (pandas: index=False, R: row.names=FALSE), or name it, such as "
        "`index`: init then leaves it out as an id"
    )
