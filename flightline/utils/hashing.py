"""Digests of files and code: a step runs again when content changes, not when a time or a path does."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flightline.utils.import_graph import import_closure
from flightline.utils.project import lock_file

BLOCK_BYTES = 1 << 20


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as source:
        while block := source.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def lock_digest() -> str | None:
    """SHA-256 of the project's requirements.lock; None where there is none."""
    lock = lock_file()
    return file_digest(lock) if lock.is_file() else None


def code_digest(*modules: str) -> str:
    """Return the digest of the modules and of everything that they import from the project and from their packages.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    for name, path in sorted(import_closure(modules).items()):
        digest.update(f"{name}\0{file_digest(path)}\0".encode())
    return digest.hexdigest()[:16]
