"""How TFX, in both lines, is given the password of a metadata store on a server; beside `compat`, below TFX's API."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from tfx.orchestration import metadata

from pipeline.metadata import server


@contextlib.contextmanager
def passwords_where_they_are_needed() -> Iterator[None]:
    """While entered, TFX's connections to the metadata store have the password, and nothing else has.

    TFX would have it in the pipeline's configuration, which its runners log and hand on.
    """
    stock = metadata.Metadata.__enter__

    def enter(self: Any) -> Any:
        given = self._connection_config
        self._connection_config = server.with_password(given)
        try:
            with server.no_word_of_it():
                return stock(self)
        finally:
            self._connection_config = given

    metadata.Metadata.__enter__ = enter
    try:
        yield
    finally:
        metadata.Metadata.__enter__ = stock
