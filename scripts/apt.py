"""Debian packages as files: downloaded from this machine's own mirror and unpacked, not installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from scripts.job_server import ToolUnavailable


def run_apt(*words: str, cwd: Path | None = None) -> str:
    """The output of an apt command. If it fails, the package lists are updated once and it is run again.

    Raises:
        ToolUnavailable: it fails, or does not exist.
    """
    problem = ""
    for attempt in ([*words], ["apt-get", "-qq", "update"], [*words]):
        try:
            done = subprocess.run(attempt, cwd=cwd, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise ToolUnavailable(f"no {attempt[0]} here: Debian's own tools are needed") from None
        if done.returncode == 0 and attempt == [*words]:
            return done.stdout
        problem = " ".join(done.stderr.split())[:400] or problem
    raise ToolUnavailable(f"{' '.join(words[:2])} failed: {problem}")


def unpack_packages(packages: Sequence[str], folder: Path) -> Path:
    """The folder with the files of these packages; downloaded if it does not exist, completely or not at all.

    Raises:
        ToolUnavailable: they cannot be downloaded.
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
    """The package, and its dependencies that are not installed on this machine."""
    simulation = run_apt("apt-get", "-s", "-qq", "--no-install-recommends", "install", package)
    dependencies = [line.split()[1] for line in simulation.splitlines() if line.startswith("Inst ")]
    return [package, *(name for name in dependencies if name != package)]
