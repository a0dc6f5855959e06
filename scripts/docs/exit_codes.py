"""The page of exit codes, made from the error classes."""

from __future__ import annotations

from collections.abc import Iterator

from flightline.errors import EXIT_OK, FlightlineError
from scripts.docs.markdown import table

_INTRODUCTION = """# Exit codes

The exit codes of the runners and of `flightline`. `make` itself ends with 2 whenever its command fails. The last line
on stderr says what is wrong, where, and what to do; the traceback is in the run's log.
[Recover a failed run](../recovery.md) says what to do about each code. This page is made from the code.
"""
_SETUP_NOTE = """
`make` targets that fetch tools (`docs-setup`, `dvc-setup`, `flink-setup`, ...) call scripts that end with 75 if what
they need cannot be fetched. CI then says what it skips, and why.
"""


def render_page() -> str:
    """The reference page."""
    rows = [(str(code), f"`{name}`" if name else "", about) for code, name, about in list_exit_codes()]
    return f"{_INTRODUCTION}\n{table(('exit code', 'error', 'meaning'), rows)}{_SETUP_NOTE}"


def list_exit_codes() -> list[tuple[int, str, str]]:
    """(exit code, error, first line of its docstring), ordered by code; the base class before its subclasses."""
    return sorted(
        [(EXIT_OK, "", "Done, and released where a release was asked for."), *_own_errors(FlightlineError)],
        key=_sort_key,
    )


def _sort_key(row: tuple[int, str, str]) -> int:
    return row[0]


def _own_errors(error: type[FlightlineError]) -> Iterator[tuple[int, str, str]]:
    """The errors of flightline/errors.py; errors of other modules are subclasses of them."""
    if error.__module__ == FlightlineError.__module__:
        about = "Something failed." if error is FlightlineError else (error.__doc__ or "").splitlines()[0]
        yield error.exit_code, error.__name__, about
        for kind in error.__subclasses__():
            yield from _own_errors(kind)
