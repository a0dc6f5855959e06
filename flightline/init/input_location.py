"""Where a config finds the files: a folder and a glob that names these files and no other."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from flightline.errors import InputError, UsageError
from flightline.utils.storage import find_files

_GLOB_CHARACTERS = set("*?[]{}\\")


def input_location(files: Sequence[str]) -> tuple[str, str]:
    """`data.input` and `data.pattern` for these files.

    Raises:
        InputError: one is not there.
        UsageError: no glob names them alone.
    """
    paths = [_relative_to_cwd(Path(file)) for file in files]
    for file, path in zip(files, paths, strict=True):
        if not path.is_file():
            raise InputError(f"{file}: there is no such file", "name CSV or Parquet files")
        if odd := _GLOB_CHARACTERS & set(str(path)):
            raise UsageError(f"{file}: {' '.join(sorted(odd))} in a path means something in a glob", "rename it")
    folder = Path(os.path.commonpath([path.parent for path in paths])) if len(paths) > 1 else paths[0].parent
    wanted = {str(path) for path in paths}
    for pattern in _candidate_globs([path.relative_to(folder) for path in paths]):
        if {file.location for file in find_files(str(folder), pattern)} == wanted:
            return str(folder), pattern
    raise UsageError(
        f"{folder} has other files that any glob for these would name too", "give them a folder of their own"
    )


def _relative_to_cwd(path: Path) -> Path:
    """Below the working directory where it is: a config is then good for every clone."""
    whole, here = Path(os.path.abspath(path)), Path.cwd()  # noqa: PTH100 - resolve() would follow links
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def _candidate_globs(names: Sequence[Path]) -> list[str]:
    """Globs that all names match, the plainest first."""
    if len(names) == 1:
        return [str(names[0])]
    suffixes = {name.suffix for name in names}
    suffix = suffixes.pop() if len(suffixes) == 1 else ""
    start = os.path.commonprefix([name.name for name in names])  # noqa: RUF071 - of letters, not of folders
    folders = "/".join("*" for _ in names[0].parent.parts)
    below = f"{folders}/" if folders else ""
    return [f"{below}*{suffix}", f"{below}{start}*{suffix}", f"{below}{names[0].name}"]


def pipeline_name(files: Sequence[str]) -> str:
    """A pipeline's name from that of its first file."""
    stem = Path(files[0]).name.partition(".")[0].lower()
    name = re.sub(r"[^a-z0-9_-]+", "_", stem).strip("_-")
    name = name if re.match(r"[a-z]", name) else f"table_{name}".rstrip("_")
    return name[:63]


def validate_pipeline_name(name: str) -> str:
    """A name that was asked for.

    Raises:
        UsageError: it names neither a pipeline nor a file.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name):
        raise UsageError(
            f"--name {name}: a pipeline is named by small letters, digits, - and _, a letter first, 63 at most",
            f"--name {pipeline_name([name])} would do",
        )
    return name
