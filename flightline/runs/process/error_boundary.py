"""Whatever ends a run becomes one of our errors, and its traceback a part of the log."""

from __future__ import annotations

import contextlib
import signal
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from flightline.errors import RESUME_HINT, FlightlineError, Interrupted, StepFailed, summarize_error
from flightline.utils.diagnostics import diagnose


@contextlib.contextmanager
def interrupt_on_sigterm() -> Iterator[None]:
    """While entered, SIGTERM ends the run as Ctrl-C does: with a last line, and no step left as running."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass
class CaughtError:
    error: FlightlineError | None = None


@contextlib.contextmanager
def error_boundary() -> Iterator[CaughtError]:
    """Turns whatever is raised inside into one of our errors; its traceback goes to stderr, which is the log."""
    caught = CaughtError()
    try:
        yield caught
    except FlightlineError as error:
        _log_traceback()
        caught.error = error
    except KeyboardInterrupt:
        caught.error = Interrupted("interrupted", RESUME_HINT)
    except Exception as error:
        _log_traceback()
        caught.error = diagnose(error) or StepFailed(
            f"the run could not be carried out: {summarize_error(error)}", RESUME_HINT
        )


def _log_traceback() -> None:
    with contextlib.suppress(OSError):  # the disk that the log is on may be what is full
        traceback.print_exc()
