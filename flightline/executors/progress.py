"""Progress and warnings of the running step. Without a listener, a report costs nothing and a warning is only logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from absl import logging

OnRows = Callable[[int], None]
OnWarning = Callable[[str], None]

_listeners: list[tuple[OnRows, OnWarning]] = []


def report(rows_done: int) -> None:
    """Tells the listeners that the running step has processed `rows_done` rows since it began."""
    for on_rows, _ in _listeners:
        on_rows(rows_done)


def warn(text: str) -> None:
    """Logs a warning about the running step, and passes it to the listeners."""
    logging.warning("%s", text)
    for _, on_warning in _listeners:
        on_warning(text)


def warn_stock_executor(component: str, reason: object) -> None:
    """Warns that a component does its work with TFX's own executor, and why."""
    warn(f"{component} runs the stock executor, which is slower: {reason}")


@contextmanager
def listen(on_rows: OnRows, on_warning: OnWarning = lambda _: None) -> Iterator[None]:
    """Calls `on_rows(rows_done)` and `on_warning(text)` inside the block, in the thread that reports."""
    listener = (on_rows, on_warning)
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
