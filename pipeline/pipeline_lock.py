"""One run of a pipeline at a time: in its workspace, and wherever else its metadata store is written to."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from pipeline.config import Config
from pipeline.metadata import server
from pipeline.metadata.store import has_store
from pipeline.run_lock import Holder, alone_in


@contextlib.contextmanager
def alone_at(
    config: Config, what: str, wait_s: float = 0.0, say: Callable[[str], None] = print
) -> Iterator[Holder | None]:
    """`alone_in` the workspace; where the metadata store is on a server, also the only one of this name who works
    with it: a run that begins takes steps that are RUNNING for left behind.

    Raises:
        Occupied: somebody else is at it still.
        FlightlineError: the server cannot be used; nothing has been written then.
    """
    settings = config.metadata
    with contextlib.ExitStack() as stack:
        if settings.on_a_server:
            has_store(config)
        left = stack.enter_context(alone_in(config.workspace, config.name, what, wait_s, say))
        if settings.on_a_server:
            stack.enter_context(server.alone_with(settings, config.name, wait_s, say))
        yield left
