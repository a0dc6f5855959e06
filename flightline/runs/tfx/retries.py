"""Retry steps after transient errors, and stop steps that take too long. TFX ignores its own settings for both."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from flightline.config.steps import StepsConfig
from flightline.errors import FlightlineError, StepFailed, summarize_error

Result = TypeVar("Result")
_MAX_BACKOFF_S = 300.0
# Messages of engines, stores and networks for transient errors. Any other error would only repeat itself.
_TRANSIENT_ERRORS = (
    "UNAVAILABLE",
    "DEADLINE_EXCEEDED",
    "database is locked",
    "Concurrent writes aborted",
    "Connection reset",
    "Connection refused",
    "Broken pipe",
    "503 Service Unavailable",
    "429 Too Many Requests",
    "Lost connection to MySQL server",
)
# pybind11 raises a RuntimeError with this text if Ctrl-C arrives while it translates a C++ error.
_LOST_INTERRUPT_MARKER = "REPLACED BY KeyboardInterrupt"


class StepTimedOut(StepFailed):
    """A step exceeded its time limit."""


def run_with_retries(
    settings: StepsConfig,
    node: str,
    step: Callable[[], Result],
    report: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Result, int]:
    """Return what `step` returns, and the number of attempts.

    Args:
        report: called with a message for each failure that is followed by another attempt.

    Raises:
        StepTimedOut: an attempt took too long; it is not retried.
        Exception: what the last attempt raised.
    """
    retries, timeout_s = settings.limits_for(node)
    attempt = 1
    while True:
        try:
            with time_limit(node, timeout_s):
                return step(), attempt
        except Exception as error:
            if _LOST_INTERRUPT_MARKER in str(error):
                raise KeyboardInterrupt from error
            if attempt > retries or not is_transient(error):
                raise
            wait = min(settings.backoff_s * 2 ** (attempt - 1), _MAX_BACKOFF_S)
            report(f"{node} failed: {summarize_error(error, 160)}; trying again in {wait:g} s ({attempt} of {retries})")
            sleep(wait)
            attempt += 1


def is_transient(error: BaseException | None) -> bool:
    """Whether an error or one of its causes is transient."""
    while error is not None:
        if isinstance(error, FlightlineError):
            return False
        if isinstance(error, ConnectionError) or any(words in str(error) for words in _TRANSIENT_ERRORS):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def time_limit(node: str, seconds: float | None) -> Iterator[None]:
    """Raise StepTimedOut in this thread if the block takes longer than `seconds`.

    Uses a signal, which Python handles between two of its own instructions: a call into C++ ends first. Outside the
    main thread there is no limit, because signals are handled there.
    """
    if seconds is None or threading.current_thread() is not threading.main_thread():
        yield
        return

    timeout = StepTimedOut(
        f"{node} took longer than its limit of {seconds:g} s",
        f"raise steps.overrides.{node}.timeout_s, or reduce its input",
    )
    timer_fired = []

    def end(*_: object) -> None:
        timer_fired.append(True)
        raise timeout

    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except Exception as error:
        if timer_fired and error is not timeout:  # C++ and libraries may catch it and raise another error
            raise timeout from error
        raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
