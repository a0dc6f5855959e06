"""The documentation site, built by MkDocs in an environment of its own; it reads from the disk, with no network.

python -m scripts.docs setup       makes the environment, .cache/docs
python -m scripts.docs [build]     writes build/docs/site/index.html; a broken link fails

What describes the code is made in this environment, which has it; MkDocs gets Markdown, and reads docstrings off the
source (griffe) without importing it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flightline.errors import UsageError, print_error
from scripts.docs.source import SOURCE_DIR, assemble_source
from scripts.repository import REPOSITORY
from scripts.tool_environment import ensure_environment

REQUIREMENTS = REPOSITORY / "scripts" / "docs.txt"
VENV_DIR = REPOSITORY / ".cache" / "docs"
SITE_DIR = REPOSITORY / "build" / "docs" / "site"  # as mkdocs.yml has it
EXIT_UNAVAILABLE = 75  # sysexits' EX_TEMPFAIL: not to be had here and now


def main(words: list[str]) -> int:
    """Does what is asked; returns the exit code."""
    if words not in ([], ["build"], ["setup"]):
        print_error(sys.stderr, UsageError(f"scripts.docs {' '.join(words)}", "`setup`, or `build`"))
        return UsageError.exit_code
    try:
        tools = ensure_environment("the documentation's tools", VENV_DIR, REQUIREMENTS)
    except UsageError as error:
        print_error(sys.stderr, error)
        return EXIT_UNAVAILABLE
    if words == ["setup"]:
        return 0
    assemble_source(SOURCE_DIR)
    ended = build_site(tools)
    if ended.returncode:
        print(ended.stderr, end="", file=sys.stderr)
    else:
        print(f"Written  {(SITE_DIR / 'index.html').relative_to(REPOSITORY)}: open it in a browser")
    return ended.returncode


def build_site(tools: Path, site: Path = SITE_DIR) -> subprocess.CompletedProcess[str]:
    """Makes a site of what was gathered; it fails where MkDocs has warned of anything.

    Not with --quiet, by which warnings are neither shown nor counted.
    """
    quiet = {"NO_MKDOCS_2_WARNING": "true", "PYTHONPATH": ""}  # an advertisement; and nothing of ours is imported
    command = [str(tools / "python"), "-m", "mkdocs", "build", "--strict", "--clean", "--site-dir", str(site)]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
