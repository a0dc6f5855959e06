"""Progress of a running step: executors report rows and warnings, the run that launched them shows them.

TFX creates executors from a class path, so a run cannot hand them an object. The listener is a context variable
instead: it is set in the thread that launches a step, for as long as the step runs, and other runs in this process do
not see it. Without a listener a report has no effect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from absl import logging

OnRows = Callable[[int], None]
OnWarning = Callable[[str], None]


@dataclass(frozen=True)
class _Listener:
    on_rows: OnRows
    on_warning: OnWarning


_listener: ContextVar[_Listener | None] = ContextVar("progress_listener", default=None)


def report(rows_done: int) -> None:
    """Report that the running step has processed `rows_done` rows since it started."""
    if (listener := _listener.get()) is not None:
        listener.on_rows(rows_done)


def warn(text: str) -> None:
    """Show the user a warning about the running step, and write it to the log."""
    logging.warning("%s", text)
    if (listener := _listener.get()) is not None:
        listener.on_warning(text)


def warn_stock_executor(component: str, reason: object) -> None:
    """Warns that a component does its work with TFX's own executor, and why."""
    warn(f"{component} runs the stock executor, which is slower: {reason}")


@contextmanager
def listen(on_rows: OnRows, on_warning: OnWarning = lambda _: None) -> Iterator[None]:
    """Call `on_rows(rows_done)` and `on_warning(text)` for reports made by this thread inside the block."""
    token = _listener.set(_Listener(on_rows, on_warning))
    try:
        yield
    finally:
        _listener.reset(token)
