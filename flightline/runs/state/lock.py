"""One run of a pipeline at a time: in its workspace, and wherever else its metadata store is written to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from flightline.config.settings import Config
from flightline.metadata import mysql
from flightline.metadata.store import has_store
from flightline.utils.file_lock import LockHolder, hold_lock


@contextlib.contextmanager
def pipeline_lock(
    config: Config, what: str, wait_s: float = 0.0, say: Callable[[str], None] = print
) -> Iterator[LockHolder | None]:
    """`alone_in` the workspace; where the metadata store is on a server, also the only one of this name who works
    with it: a run that begins takes steps that are RUNNING for left behind.

    Raises:
        Occupied: somebody else is at it still.
        FlightlineError: the server cannot be used; nothing has been written then.
    """
    settings = config.metadata
    with contextlib.ExitStack() as stack:
        if settings.uses_server:
            has_store(config)
        left = stack.enter_context(hold_lock(config.workspace, config.name, what, wait_s, say))
        if settings.uses_server:
            stack.enter_context(mysql.named_lock(settings, config.name, wait_s, say))
        yield left
