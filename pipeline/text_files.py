"""Reading a small text file that somebody wrote: a plain file, of a bounded size, in UTF-8; or one clear reason."""

from __future__ import annotations

import stat
from pathlib import Path

_KINDS = (
    (stat.S_ISDIR, "it is a folder"),
    (stat.S_ISFIFO, "it is a pipe"),
    (stat.S_ISSOCK, "it is a socket"),
    (stat.S_ISCHR, "it is a device"),
    (stat.S_ISBLK, "it is a device"),
)


def read_small_text(path: Path, most_mb: int) -> str:
    """The text of a file, without a byte-order mark. A pipe is refused before it could keep us waiting.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: whatever else speaks against it, in words.
    """
    try:
        mode = path.stat().st_mode
        for is_kind, words in _KINDS:
            if is_kind(mode):
                raise OSError(f"{words}, not a file")
        with path.open("rb") as file:
            content = file.read((most_mb << 20) + 1)
        if len(content) > most_mb << 20:
            raise OSError(f"it is larger than {most_mb} MB")
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise OSError(f"it is not UTF-8: {error.reason} at byte {error.start}") from error
    except ValueError as error:  # a path with a NUL
        raise OSError(str(error)) from error
