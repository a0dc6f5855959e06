"""Data tracked by DVC: what a run notes of the files that it reads, and those files again when they have moved on.

DVC names content by its MD5: `X.dvc` beside X has that of the file X or, for a folder, of a list of names and MD5s, and
the content itself is `files/md5/xx/yyy...` in DVC's cache and in its remotes. Caches and remotes on this machine are
read as they are, without DVC; for what is elsewhere its command is asked, where it is installed. Where nothing is
tracked, nothing is noted, and nothing here is needed.
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

DVC_SUFFIX = ".dvc"  # what the name of a pointer ends with, and the folder in which DVC keeps its settings
DVC_EXECUTABLE = Path(".cache/dvc/bin/dvc")  # below the project: made by `make dvc-setup`
DVC_ENV = {"DVC_NO_ANALYTICS": "1"}
_DIR_SUFFIX = ".dir"
_MD5_PATTERN = re.compile(r"[0-9a-f]{32}(\.dir)?")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class DvcPointer:
    """What an `X.dvc` says.

    Attributes:
        target: the file or folder X; md5: of its content, with `.dir` at its end for a folder.
    """

    target: Path
    md5: str


def tracked_md5s(files: Sequence[InputFile]) -> dict[str, str]:
    """Input file → MD5 of its content, for those that DVC tracks as they are now; those edited since are left out."""
    found: dict[str, str] = {}
    listings: dict[Path, dict[str, str]] = {}
    for file in files:
        if file.stamp is not None:  # elsewhere
            continue
        path = Path(file.location).absolute()
        pointer = find_pointer(path)
        if pointer is None:
            continue
        md5 = file_md5(path)
        if pointer.md5.endswith(_DIR_SUFFIX):
            if pointer.target not in listings:
                listings[pointer.target] = _read_listing(pointer)
            wanted = listings[pointer.target].get(path.relative_to(pointer.target).as_posix())
        else:
            wanted = pointer.md5
        if md5 == wanted:
            found[file.name] = md5
    return found


def find_pointer(path: Path) -> DvcPointer | None:
    """The pointer that tracks a file: its own, or that of a folder it is in; None where there is none.

    Only in a project of DVC's, and by the names that were given: a folder that is a link is tracked where the link is.
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
    """The nearest folder above that DVC has settings in."""
    return next((folder for folder in path.absolute().parents if (folder / DVC_SUFFIX / "config").is_file()), None)


def folder_listing(folder: Path) -> bytes:
    """What DVC keeps as the content of a folder: MD5 and name of each file in it, in the order of the names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    entries = [{"md5": file_md5(path), "relpath": path.relative_to(folder).as_posix()} for path in files]
    return json.dumps(sorted(entries, key=lambda entry: entry["relpath"]), sort_keys=True).encode()


def file_md5(path: Path) -> str:
    """DVC's name for the content of a file."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def fetch_file(path: Path, md5: str, sha256: str, commit: str | None, into: Path) -> Path | None:
    """A file with this content, which was at `path`; None where neither DVC's caches nor its remotes have it.

    Args:
        sha256: what its content must have; MD5 alone is no proof of anything.
        commit: in which a pointer names it, for DVC to be asked for what is not on this machine.
        into: where it goes, if it has to be copied.
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
        return None  # of a stage, an import, or edited by hand: not ours to judge
    return DvcPointer(target, md5) if out.get("path") == target.name and _MD5_PATTERN.fullmatch(md5) else None


def _read_listing(pointer: DvcPointer) -> dict[str, str]:
    """Name below a tracked folder → MD5: from DVC's cache, or from the folder while it is as it was."""
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
    """DVC's cache and the remotes that are folders of this machine."""
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
    """Has DVC fetch a file as a commit has it; False where it is not installed, or cannot."""
    for command in _dvc_commands(root):
        into.parent.mkdir(parents=True, exist_ok=True)
        ended = subprocess.run(
            [command, "get", "--quiet", "--rev", commit, "--out", str(into), str(root), str(path.relative_to(root))],
            env={**os.environ, **DVC_ENV},
            cwd=root,
            capture_output=True,
            check=False,
        )
        return ended.returncode == 0 and into.is_file()
    return False


def _dvc_commands(root: Path) -> Iterable[str]:
    known = [str(root / DVC_EXECUTABLE), shutil.which("dvc")]
    return [command for command in known if command and Path(command).is_file()]
