"""Digests of content: what makes a step run again is what changed, not when or where."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
BLOCK = 1 << 20


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, read a block at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def files_digest(files: Iterable[Path], root: Path) -> str:
    """SHA-256 over the names (relative to `root`) and contents of the files."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root)}\0{file_digest(path)}\0".encode())
    return digest.hexdigest()


def code_digest(*modules: str) -> str:
    """Digest of the Python code of modules and packages (`models`, `pipeline.fast`, ...), and of the lock.

    A package counts with everything below it. The modules are found, not run.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    for module in modules:
        top, *rest = module.split(".")
        place = _place_of(top).joinpath(*rest)
        files = sorted(place.rglob("*.py")) if place.is_dir() else [place.with_suffix(".py")]
        if not files[0].is_file():
            raise ModuleNotFoundError(f"there is no module {module}")
        digest.update(files_digest(files, place.parent).encode())
    if LOCK.is_file():
        digest.update(file_digest(LOCK).encode())
    return digest.hexdigest()[:16]


def _place_of(top: str) -> Path:
    """The folder of a top-level package, or the file of a top-level module without its suffix."""
    spec = importlib.util.find_spec(top)
    if spec is None:
        raise ModuleNotFoundError(f"there is no module {top}")
    if spec.submodule_search_locations:
        return Path(next(iter(spec.submodule_search_locations)))
    return Path(str(spec.origin)).with_suffix("")
