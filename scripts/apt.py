"""Debian's packages as files: brought from this machine's own mirror and unpacked, without being installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.job_server import Unavailable


def run_apt(*words: str, cwd: Path | None = None) -> str:
    """What a command of apt's says; the lists of packages are brought once where it fails without them.

    Raises:
        Unavailable: it fails, or is not there.
    """
    problem = ""
    for attempt in ([*words], ["apt-get", "-qq", "update"], [*words]):
        try:
            done = subprocess.run(attempt, cwd=cwd, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise Unavailable(f"no {attempt[0]} here: this takes Debian's own tools") from None
        if done.returncode == 0 and attempt == [*words]:
            return done.stdout
        problem = " ".join(done.stderr.split())[:400] or problem
    raise Unavailable(f"{' '.join(words[:2])} failed: {problem}")


def unpack_packages(packages: Sequence[str], folder: Path) -> Path:
    """The folder with the files of these packages; brought where it is not there, whole or not at all.

    Raises:
        Unavailable: they cannot be had.
    """
    if folder.is_dir():
        return folder
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    run_apt("apt-get", "-qq", "download", *packages, cwd=part)
    for package in sorted(part.glob("*.deb")):
        run_apt("dpkg-deb", "-x", str(package), str(part))
        package.unlink()
    part.rename(folder)
    return folder


def with_missing_dependencies(package: str) -> list[str]:
    """The package, and those it depends on that this machine does not have: what installing it would bring."""
    would = run_apt("apt-get", "-s", "-qq", "--no-install-recommends", "install", package)
    brought = [line.split()[1] for line in would.splitlines() if line.startswith("Inst ")]
    return [package, *(name for name in brought if name != package)]
