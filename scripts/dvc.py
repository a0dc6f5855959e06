"""DVC in an environment of its own: it records which data belong to a commit, and restores them.

python -m scripts.dvc setup          makes the environment, .cache/dvc
python -m scripts.dvc WORDS...       DVC's command itself: add data/flights, push, pull, status, ...
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flightline.errors import UsageError, print_error
from flightline.utils.dvc import DVC_ENV, DVC_EXECUTABLE
from scripts.repository import REPOSITORY
from scripts.tool_environment import EXIT_UNAVAILABLE, ensure_environment

REQUIREMENTS = Path(__file__).with_name("dvc.txt")


def main(words: list[str]) -> int:
    """Run a command of DVC in the working directory; returns the exit code."""
    try:
        command = ensure_environment("DVC", (REPOSITORY / DVC_EXECUTABLE).parent.parent, REQUIREMENTS) / "dvc"
    except UsageError as error:
        print_error(sys.stderr, error)
        return EXIT_UNAVAILABLE
    if words == ["setup"]:
        return 0
    return subprocess.run([str(command), *words], env={**os.environ, **DVC_ENV}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
