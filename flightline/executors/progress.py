"""How far a long step is: the step reports, whoever shows it listens. Without a listener a report costs nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from absl import logging

OnRows = Callable[[int], None]
OnWarning = Callable[[str], None]

_listeners: list[tuple[OnRows, OnWarning]] = []


def report(rows_done: int) -> None:
    """Says that the running step has finished `rows_done` rows since it began."""
    for on_rows, _ in _listeners:
        on_rows(rows_done)


def warn(text: str) -> None:
    """Says something about the running step that its user should see, and warns of it in the log."""
    logging.warning("%s", text)
    for _, on_warning in _listeners:
        on_warning(text)


@contextmanager
def listen(on_rows: OnRows, on_warning: OnWarning = lambda _: None) -> Iterator[None]:
    """Calls `on_rows(rows_done)` and `on_warning(text)` inside the block, from whichever thread reports."""
    listener = (on_rows, on_warning)
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
