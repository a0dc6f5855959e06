"""Who may read and write what we leave: nobody else writes any of it, and a workspace is read by its group at most.

A workspace holds rows, rejected ones as they came, requests and their answers, labels, and what decides which model is
served. The umask of a cron job or a container is often 0, and then everybody could write all of it.
"""

from __future__ import annotations

import os
from pathlib import Path

_NOT_WRITTEN_BY_OTHERS = 0o022
_CLOSED_TO_OTHERS = 0o750


def nobody_else_writes() -> None:
    """From now on this process and its children make nothing that group or others may write; a stricter umask stays."""
    os.umask(os.umask(0o077) | _NOT_WRITTEN_BY_OTHERS)


def make_closed(folder: Path) -> None:
    """Makes a folder, with its parents, that only its owner and group may enter; one that is there stays as it is.

    Raises:
        OSError: it cannot be made.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(_CLOSED_TO_OTHERS, exist_ok=True)
