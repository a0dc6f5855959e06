"""The reference of exit codes, from the exception classes."""

from __future__ import annotations

from collections.abc import Iterator

from flightline.errors import EXIT_OK, FlightlineError
from scripts.docs.markdown import table

_INTRODUCTION = """# Exit codes

The exit codes of the runners and of `flightline`. `make` exits with 2 whatever the exit code of its command. The last
line on stderr says what is wrong, where, and what to do; the traceback is in the log of the run. Generated from the
code.
"""
_SETUP_NOTE = """
`make` targets that fetch tools (`docs-setup`, `dvc-setup`, `flink-setup`, ...) call scripts that exit with 75 where
their tools are not available on this machine; CI then prints what it skips, and why.
"""


def render_page() -> str:
    """The reference page."""
    rows = [(str(code), f"`{name}`" if name else "", meaning) for code, name, meaning in list_exit_codes()]
    return f"{_INTRODUCTION}\n{table(('exit code', 'error', 'meaning'), rows)}{_SETUP_NOTE}"


def list_exit_codes() -> list[tuple[int, str, str]]:
    """(exit code, error, first line of its docstring), sorted by code; a base class comes before its subclasses."""
    return sorted(
        [
            (EXIT_OK, "", "Success: the run finished and, where the pipeline ends with a release, released its model."),
            *_own_errors(FlightlineError),
        ],
        key=_sort_key,
    )


def _sort_key(row: tuple[int, str, str]) -> int:
    return row[0]


def _own_errors(error: type[FlightlineError]) -> Iterator[tuple[int, str, str]]:
    """The errors of flightline/errors.py, without subclasses in other modules."""
    if error.__module__ == FlightlineError.__module__:
        meaning = "Something failed." if error is FlightlineError else (error.__doc__ or "").splitlines()[0]
        yield error.exit_code, error.__name__, meaning
        for kind in error.__subclasses__():
            yield from _own_errors(kind)
