"""One run of a pipeline at a time: in its workspace, and in a metadata store that other workspaces share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from flightline.config.settings import Config
from flightline.metadata import mysql
from flightline.metadata.store import has_store
from flightline.utils.file_lock import LockHolder, hold_lock


@contextlib.contextmanager
def pipeline_lock(
    config: Config, activity: str, wait_s: float = 0.0, report: Callable[[str], None] = print
) -> Iterator[LockHolder | None]:
    """Hold the workspace's lock and, where the metadata store is on a server, the lock of this pipeline's name there.

    The latter because a run takes every step that is RUNNING when it starts for one that was killed.

    Args:
        activity: what the lock is held for, shown to others.
        wait_s: seconds to wait for another holder.
        report: called once with a message if there is another holder to wait for.

    Yields:
        The previous holder, if it was killed.

    Raises:
        LockHeld: the lock is held by another process.
        FlightlineError: the server cannot be used; nothing has been written.
    """
    settings = config.metadata
    with contextlib.ExitStack() as stack:
        if settings.uses_server:
            has_store(config)
        killed_holder = stack.enter_context(hold_lock(config.workspace, config.name, activity, wait_s, report))
        if settings.uses_server:
            stack.enter_context(mysql.named_lock(settings, config.name, wait_s, report))
        yield killed_holder
