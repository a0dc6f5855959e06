"""Digests of content: what makes a step run again is what changed, not when or where."""

from __future__ import annotations

import hashlib
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


def code_digest(*packages: str) -> str:
    """Digest of the Python code of our packages (`models`, `pipeline.fast`, ...) and of the lock they run with."""
    folders = [ROOT.joinpath(*package.split(".")) for package in packages]
    files = [file for folder in folders for file in folder.rglob("*.py")]
    files += [file for folder in folders if (file := folder.with_suffix(".py")).is_file()]
    files += [LOCK] if LOCK.is_file() else []
    return files_digest(files, ROOT)[:16]
