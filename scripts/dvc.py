"""DVC, in an environment of its own: which data a commit was made for, and those data again.

python -m scripts.dvc setup          makes the environment, .cache/dvc
python -m scripts.dvc WORDS...       DVC's command itself: add data/flights, push, pull, status, ...
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pipeline.digests import ROOT
from pipeline.dvc_data import QUIET, TOOL
from pipeline.errors import UsageError, print_last_line
from scripts.tool_environment import environment

REQUIREMENTS = Path(__file__).with_name("dvc.txt")
UNAVAILABLE = 75  # sysexits' EX_TEMPFAIL: not to be had here and now


def main(words: list[str]) -> int:
    """Does what is asked in the working directory; returns the exit code."""
    try:
        command = environment("DVC", (ROOT / TOOL).parent.parent, REQUIREMENTS) / "dvc"
    except UsageError as error:
        print_last_line(sys.stderr, error)
        return UNAVAILABLE
    if words == ["setup"]:
        return 0
    return subprocess.run([str(command), *words], env={**os.environ, **QUIET}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
