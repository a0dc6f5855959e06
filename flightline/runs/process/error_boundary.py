"""Turn every exception that ends a run into a FlightlineError, and write its traceback to the log."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass

from flightline.errors import RESUME_HINT, FlightlineError, Interrupted, StepFailed, mask_credentials, summarize_error
from flightline.utils.diagnostics import diagnose


@contextlib.contextmanager
def interrupt_on_sigterm() -> Iterator[None]:
    """While entered, SIGTERM raises KeyboardInterrupt, so the run ends as after Ctrl-C: no step is left RUNNING."""
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
    """The error that ended the block; None if it ended normally."""

    error: FlightlineError | None = None


@contextlib.contextmanager
def error_boundary() -> Iterator[CaughtError]:
    """Catch every exception in the block, and store it in the yielded object; its traceback goes to the log."""
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
        caught.error = diagnose(error) or StepFailed(f"the run failed: {summarize_error(error)}", RESUME_HINT)


def _log_traceback() -> None:
    with contextlib.suppress(OSError):  # the log's disk may be full
        sys.stderr.write(mask_credentials(traceback.format_exc()))
        sys.stderr.flush()
