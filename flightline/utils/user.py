"""Who runs this process."""

from __future__ import annotations

import getpass
import os
import socket


def current_user() -> str:
    """`NAME@HOST`; `uid-NUMBER@HOST` for a user without an entry in the password file, as in many containers."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError, ImportError):  # KeyError before Python 3.13, OSError since
        name = f"uid-{os.getuid()}"
    return f"{name}@{socket.gethostname()}"
