"""The folder and the glob for the config that match the given files and no others; the pipeline's name."""

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
        InputError: a file does not exist.
        UsageError: no glob matches only these files.
    """
    paths = [_relative_to_cwd(Path(file)) for file in files]
    for file, path in zip(files, paths, strict=True):
        if not path.is_file():
            raise InputError(f"{file} does not exist", "name CSV or Parquet files")
        if special := _GLOB_CHARACTERS & set(str(path)):
            raise UsageError(f"{file}: {' '.join(sorted(special))} in a path has a meaning in globs", "rename it")
    folder = Path(os.path.commonpath([path.parent for path in paths])) if len(paths) > 1 else paths[0].parent
    wanted = {str(path) for path in paths}
    for pattern in _candidate_globs([path.relative_to(folder) for path in paths]):
        if {file.location for file in find_files(str(folder), pattern)} == wanted:
            return str(folder), pattern
    raise UsageError(
        f"{folder} has other files that a glob for these would match too", "move these files to a separate folder"
    )


def _relative_to_cwd(path: Path) -> Path:
    """The path relative to the working directory if it is inside, so that the config works in every clone."""
    absolute, here = Path(os.path.abspath(path)), Path.cwd()  # noqa: PTH100 - resolve() would follow links
    return absolute.relative_to(here) if absolute.is_relative_to(here) else absolute


def _candidate_globs(names: Sequence[Path]) -> list[str]:
    """Globs that match all names, the simplest first."""
    if len(names) == 1:
        return [str(names[0])]
    suffixes = {name.suffix for name in names}
    suffix = suffixes.pop() if len(suffixes) == 1 else ""
    start = os.path.commonprefix([name.name for name in names])  # noqa: RUF071 - a prefix of characters, not of folders
    folders = "/".join("*" for _ in names[0].parent.parts)
    below = f"{folders}/" if folders else ""
    return [f"{below}*{suffix}", f"{below}{start}*{suffix}", f"{below}{names[0].name}"]


def pipeline_name(files: Sequence[str]) -> str:
    """The name of a pipeline, derived from its first file."""
    stem = Path(files[0]).name.partition(".")[0].lower()
    name = re.sub(r"[^a-z0-9_-]+", "_", stem).strip("_-")
    name = name if re.match(r"[a-z]", name) else f"table_{name}".rstrip("_")
    return name[:63]


def validate_pipeline_name(name: str) -> str:
    """Check the name of a pipeline.

    Raises:
        UsageError: it has other characters than a pipeline's name may have.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name):
        raise UsageError(
            f"--name {name} is invalid: use up to 63 lowercase letters, digits, - and _, starting with a letter",
            f"for example --name {pipeline_name([name])}",
        )
    return name
