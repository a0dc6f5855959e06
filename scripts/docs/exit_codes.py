"""The exit codes, from the errors that have them."""

from __future__ import annotations

from collections.abc import Iterator

from flightline.errors import EXIT_OK, FlightlineError
from scripts.docs.markdown import table

_INTRODUCTION = """# Exit codes

Of the runners and of `flightline`; `make` itself ends with 2 whatever its recipe ended with. The last line on stderr
says what is wrong, where, and what to do; the traceback is in the run's log. Made from the code.
"""
_SETUP_NOTE = """
`make` targets that fetch tools (`docs-setup`, `dvc-setup`, `flink-setup`, ...) call scripts that end with 75 where what
they need cannot be had here and now; CI then says what it skips, and why.
"""


def render_page() -> str:
    """The reference page."""
    rows = [(str(code), f"`{name}`" if name else "", about) for code, name, about in list_exit_codes()]
    return f"{_INTRODUCTION}\n{table(('exit code', 'error', 'what it says'), rows)}{_SETUP_NOTE}"


def list_exit_codes() -> list[tuple[int, str, str]]:
    """(exit code, error, what its docstring says), by code; of errors alike, the general one first."""
    return sorted(
        [(EXIT_OK, "", "Done, and released where a release was asked for."), *_own_errors(FlightlineError)],
        key=_sort_key,
    )


def _sort_key(row: tuple[int, str, str]) -> int:
    return row[0]


def _own_errors(error: type[FlightlineError]) -> Iterator[tuple[int, str, str]]:
    """The errors of flightline/errors.py; those of single modules are kinds of them."""
    if error.__module__ == FlightlineError.__module__:
        about = "Something failed." if error is FlightlineError else (error.__doc__ or "").splitlines()[0]
        yield error.exit_code, error.__name__, about
        for kind in error.__subclasses__():
            yield from _own_errors(kind)
