"""Projects as DVC leaves them, by its documented layout; `tests/dvc` holds the same against DVC itself."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from flightline.utils.dvc import file_md5, folder_listing
from scripts.repository import REPOSITORY


def make_dvc_project(folder: Path, files: Mapping[str, str]) -> Path:
    """Files below `data`, tracked: those in folders by a pointer for the folder; with the settings of this project."""
    (folder / ".dvc").mkdir(parents=True)
    shutil.copyfile(REPOSITORY / ".dvc" / "config", folder / ".dvc" / "config")
    for name, content in files.items():
        path = folder / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    write_pointers(folder)
    return folder


def write_pointers(folder: Path) -> None:
    """As `dvc add data/*` does, but for the cache."""
    for target in (folder / "data").iterdir():
        if target.suffix != ".dvc":
            md5 = md5_of_listing(target) if target.is_dir() else file_md5(target)
            pointer = f"outs:\n- md5: {md5}\n  hash: md5\n  path: {target.name}\n"
            target.with_name(f"{target.name}.dvc").write_text(pointer)


def md5_of_listing(folder: Path) -> str:
    return hashlib.md5(folder_listing(folder)).hexdigest() + ".dir"


def copy_to_cache(place: Path, folder: Path) -> None:
    """Puts all that is tracked below `data` into a cache or a remote."""

    def put(md5: str, content: bytes) -> None:
        kept = place / "files" / "md5" / md5[:2] / md5[2:]
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(content)

    for path in (folder / "data").rglob("*"):
        if path.is_file() and path.suffix != ".dvc":
            put(file_md5(path), path.read_bytes())
    for path in (folder / "data").iterdir():
        if path.is_dir():
            put(md5_of_listing(path), folder_listing(path))
