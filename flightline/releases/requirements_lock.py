"""Parse requirements.lock: package versions, the Pythons they are for, and which package requires which."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from packaging.markers import Marker, default_environment

from flightline.errors import UsageError
from flightline.utils.hashing import lock_digest
from flightline.utils.project import LOCK_NAME, lock_file, project_folder

_PIN_LINE = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==(\S+?)(?: ; (.*?))? \\$")
_HASH_LINE = re.compile(r"^    --hash=sha256:([0-9a-f]{64})")
_VIA_LINE = re.compile(r"^    #(?: via|  ) (\S+)")


@dataclass(frozen=True)
class Pin:
    """A pinned version of a package.

    Attributes:
        name, version: of the package.
        marker: the Pythons and machines that it is for; empty for all.
        hashes: SHA-256 of each of its files that may be installed.
        via: the packages that require it.
    """

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    via: tuple[str, ...]


def parse_pins(text: str) -> list[Pin]:
    """All pins of a lock, in order."""
    found: list[tuple[str, str, str, list[str], list[str]]] = []
    for line in text.splitlines():
        if pin := _PIN_LINE.match(line):
            found.append((pin[1].lower(), pin[2], pin[3] or "", [], []))
        elif found and (hashed := _HASH_LINE.match(line)):
            found[-1][3].append(hashed[1])
        elif found and (via := _VIA_LINE.match(line)) and via[1] != "-r":
            found[-1][4].append(via[1].lower())
    return [Pin(name, version, marker, tuple(hashes), tuple(via)) for name, version, marker, hashes, via in found]


def select_pins(pins: Iterable[Pin], python: str) -> list[Pin]:
    """The pins that are installed on this machine with a Python version such as `3.10.13`."""
    short = ".".join(python.split(".")[:2])
    here: dict[str, str] = {name: str(value) for name, value in default_environment().items()}
    environment = {**here, "python_version": short, "python_full_version": python, "extra": ""}
    return [pin for pin in pins if not pin.marker or Marker(pin.marker).evaluate(environment)]


def find_lock_text(digest: str, commit: str | None) -> str:
    """The text of a run's requirements.lock: the current file, or that of the run's commit.

    Raises:
        UsageError: neither has this digest.
    """
    if lock_digest() == digest:
        return lock_file().read_text(encoding="utf-8")
    git = shutil.which("git")
    if commit and git:
        shown = subprocess.run(
            [git, "show", f"{commit}:./{LOCK_NAME}"], cwd=project_folder(), capture_output=True, check=False
        )
        if shown.returncode == 0 and sha256(shown.stdout).hexdigest() == digest:
            return shown.stdout.decode()
    raise UsageError(
        f"the run's requirements.lock, SHA-256 {digest[:16]}…, cannot be found",
        f"fetch or check out commit {commit[:12]}" if commit else "the run was not started in a git repository",
    )
