"""Data tracked by DVC: the MD5s of a run's input files, and getting those files again after they have changed.

DVC names content by its MD5. `X.dvc`, next to X, has the MD5 of the file X or, for a folder, of a list of names and
MD5s. The content is at `files/md5/xx/yyy...` in DVC's cache and remotes. Local caches and remotes are read directly;
for others DVC's command is run, if it is installed. Nothing here is needed for data that DVC does not track.
"""

from __future__ import annotations

import configparser
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flightline.utils.hashing import file_digest
from flightline.utils.safe_yaml import parse_yaml
from flightline.utils.storage import InputFile, is_uri

DVC_SUFFIX = ".dvc"  # suffix of pointer files, and the name of DVC's settings folder
DVC_EXECUTABLE = Path(".cache/dvc/bin/dvc")  # below the project; `make dvc-setup` installs it
DVC_ENV = {"DVC_NO_ANALYTICS": "1"}
_DIR_SUFFIX = ".dir"
_MD5_PATTERN = re.compile(r"[0-9a-f]{32}(\.dir)?")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class DvcPointer:
    """The content of a pointer file `X.dvc`.

    Attributes:
        target: the file or folder X.
        md5: the MD5 of its content; for a folder followed by `.dir`.
    """

    target: Path
    md5: str


def tracked_md5s(files: Sequence[InputFile]) -> dict[str, str]:
    """Return input file → MD5, for the files whose present content DVC tracks."""
    found: dict[str, str] = {}
    listings: dict[Path, dict[str, str]] = {}
    for file in files:
        if file.stamp is not None:  # remote
            continue
        path = Path(file.location).absolute()
        pointer = find_pointer(path)
        if pointer is None:
            continue
        md5 = file_md5(path)
        if pointer.md5.endswith(_DIR_SUFFIX):
            if pointer.target not in listings:
                listings[pointer.target] = _read_listing(pointer)
            tracked = listings[pointer.target].get(path.relative_to(pointer.target).as_posix())
        else:
            tracked = pointer.md5
        if md5 == tracked:
            found[file.name] = md5
    return found


def find_pointer(path: Path) -> DvcPointer | None:
    """Return the pointer that tracks a file or a folder above it; None if DVC does not track it.

    Links are not resolved: a linked folder is tracked where the link is.
    """
    root = find_dvc_root(path)
    if root is None:
        return None
    for target in (path, *path.parents):
        if target == root:
            return None
        found = target.with_name(target.name + DVC_SUFFIX)
        if found.is_file():
            return _read_pointer(target, found)
    return None


def find_dvc_root(path: Path) -> Path | None:
    """Return the nearest folder above `path` that has DVC settings; None without one."""
    return next((folder for folder in path.absolute().parents if (folder / DVC_SUFFIX / "config").is_file()), None)


def folder_listing(folder: Path) -> bytes:
    """Return DVC's listing of a folder: MD5 and name of each file, sorted by name."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    entries = [{"md5": file_md5(path), "relpath": path.relative_to(folder).as_posix()} for path in files]
    return json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True).encode()


def file_md5(path: Path) -> str:
    """Return the MD5 of a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def fetch_file(path: Path, md5: str, sha256: str, commit: str | None, into: Path) -> Path | None:
    """Return a file with the content that was at `path`; None if neither DVC's caches nor its remotes have it.

    Args:
        sha256: of the content; checked, as MD5 is not collision resistant.
        commit: the commit whose pointer names the content, for DVC to fetch it from a remote; None not to.
        into: the file to write, if the content has to be fetched.
    """
    root = find_dvc_root(path)
    if root is None or not _MD5_PATTERN.fullmatch(md5):
        return None
    for place in _local_caches(root):
        found = place / "files" / "md5" / md5[:2] / md5[2:]
        if found.is_file() and file_digest(found) == sha256:
            return found
    if commit and _run_dvc_get(root, path, commit, into) and file_digest(into) == sha256:
        return into
    return None


def _read_pointer(target: Path, file: Path) -> DvcPointer | None:
    try:
        [out] = parse_yaml(file.read_text(encoding="utf-8"))["outs"]
        md5 = str(out["md5"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # a pointer of another kind, or edited by hand
    return DvcPointer(target, md5) if out.get("path") == target.name and _MD5_PATTERN.fullmatch(md5) else None


def _read_listing(pointer: DvcPointer) -> dict[str, str]:
    """Return name → MD5 of a tracked folder: from DVC's cache, or from the folder if it is unchanged."""
    root = find_dvc_root(pointer.target)
    for place in _local_caches(root) if root else ():
        kept = place / "files" / "md5" / pointer.md5[:2] / pointer.md5[2:]
        if kept.is_file():
            return _parse_listing(kept.read_bytes())
    content = folder_listing(pointer.target)
    if hashlib.md5(content, usedforsecurity=False).hexdigest() + _DIR_SUFFIX == pointer.md5:
        return _parse_listing(content)
    return {}


def _parse_listing(content: bytes) -> dict[str, str]:
    try:
        return {str(entry["relpath"]): str(entry["md5"]) for entry in json.loads(content)}
    except (ValueError, KeyError, TypeError):
        return {}


def _local_caches(root: Path) -> Iterator[Path]:
    """Yield DVC's cache and its local remotes."""
    settings = configparser.ConfigParser(interpolation=None, strict=False)
    home = root / DVC_SUFFIX
    try:
        settings.read([home / "config", home / "config.local"], encoding="utf-8")
    except configparser.Error:
        settings = configparser.ConfigParser()
    yield home / settings.get("cache", "dir", fallback="cache")
    for section in settings.sections():
        url = settings.get(section, "url", fallback="")
        if "remote" in section and url and not is_uri(url):
            yield home / url


def _run_dvc_get(root: Path, path: Path, commit: str, into: Path) -> bool:
    """Fetch a file of a commit with DVC's command; return False if that is not installed, or fails."""
    for command in _dvc_commands(root):
        into.parent.mkdir(parents=True, exist_ok=True)
        completed = subprocess.run(
            [command, "get", "--quiet", "--rev", commit, "--out", str(into), str(root), str(path.relative_to(root))],
            env={**os.environ, **DVC_ENV},
            cwd=root,
            capture_output=True,
            check=False,
        )
        return completed.returncode == 0 and into.is_file()
    return False


def _dvc_commands(root: Path) -> Iterable[str]:
    candidates = [str(root / DVC_EXECUTABLE), shutil.which("dvc")]
    return [command for command in candidates if command and Path(command).is_file()]
