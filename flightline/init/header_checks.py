"""Detect a wrong separator and columns without a name in a header."""

from __future__ import annotations

from collections.abc import Sequence

from flightline.errors import InputError

_OTHER_SEPARATORS = {";": "';'", "\t": "a tab", "|": "'|'"}


def check_header(path: str, columns: Sequence[str]) -> None:
    """Check that the columns are separated by commas, and that each has a name.

    Raises:
        InputError: there is another separator, or a column has no name.
    """
    if len(columns) == 1:
        check_separator(path, columns)
    for number, name in enumerate(columns, 1):
        if not name.strip():
            raise InputError(f"{path}: column {number} has no name", _unnamed_column_advice(first=number == 1))


def check_separator(path: str, columns: Sequence[str], wanted: str = "") -> None:
    """Check that no other separator splits the header into columns, including `wanted` if it is given.

    Raises:
        InputError: another separator does; the message says which, and how to convert the file.
    """
    line = ",".join(columns)
    for separator, description in _OTHER_SEPARATORS.items():
        names = line.split(separator)
        if len(names) > 1 and (not wanted or wanted in names):
            raise InputError(
                f"{path}: the separator seems to be {description}, not a comma "
                f"({len(names)} columns, the first is {names[0]!r})",
                "save it with commas, for example with pandas: "
                f"read_csv(..., sep={separator!r}).to_csv(..., index=False); add decimal=',' for numbers like 1,5",
            )


def _unnamed_column_advice(first: bool) -> str:
    if not first:
        return "name it in the header, or drop the column"
    return (
        "if it numbers the rows, save the file without it (pandas: index=False, R: row.names=FALSE), or name it, for "
        "example `index`; init then excludes it as an id"
    )
