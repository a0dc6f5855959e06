"""Environments of tools whose packages conflict with TFX's, or are not needed for a run."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from flightline.errors import UsageError

EXIT_UNAVAILABLE = (
    75  # EX_TEMPFAIL of sysexits.h: a tool is not available on this machine; `.ci/run` then skips its tests
)


def ensure_environment(name: str, home: Path, requirements: Path) -> Path:
    """The `bin` folder of the environment; made if it does not exist, made again if its lock has changed.

    Raises:
        UsageError: the packages cannot be downloaded.
    """
    done, wanted = home / "complete", requirements.read_text(encoding="utf-8")
    if done.is_file() and done.read_text(encoding="utf-8") == wanted:
        return home / "bin"
    print(f"Downloading {name} into {home}", flush=True)
    shutil.rmtree(home, ignore_errors=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    for step in (
        ["venv", "--quiet", "--python", sys.executable, str(home)],
        ["pip", "sync", "--quiet", "--python", str(home / "bin" / "python"), "--require-hashes", str(requirements)],
    ):
        ended = subprocess.run([uv, *step], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise UsageError(f"{name} could not be downloaded: {' '.join(ended.stderr.split())[:400]}")
    done.write_text(wanted, encoding="utf-8")
    return home / "bin"
