"""Builds the documentation site with MkDocs, in a separate environment and without network.

python -m scripts.docs setup       creates the environment .cache/docs
python -m scripts.docs [build]     writes build/docs/site/index.html; fails on a broken link

The reference pages are generated in this environment, which can import the code; MkDocs reads Markdown, and docstrings
from the source (griffe) without importing it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from flightline.errors import UsageError, print_error
from scripts.docs.source import SOURCE_DIR, assemble_source
from scripts.repository import REPOSITORY
from scripts.tool_environment import EXIT_UNAVAILABLE, ensure_environment

REQUIREMENTS = REPOSITORY / "scripts" / "docs.txt"
VENV_DIR = REPOSITORY / ".cache" / "docs"
SITE_DIR = REPOSITORY / "build" / "docs" / "site"  # as mkdocs.yml has it


def main(argv: list[str]) -> int:
    """Runs the command line; returns the exit code."""
    if argv not in ([], ["build"], ["setup"]):
        print_error(sys.stderr, UsageError(f"scripts.docs {' '.join(argv)}", "`setup`, or `build`"))
        return UsageError.exit_code
    try:
        tools = ensure_environment("the documentation's tools", VENV_DIR, REQUIREMENTS)
    except UsageError as error:
        print_error(sys.stderr, error)
        return EXIT_UNAVAILABLE
    if argv == ["setup"]:
        return 0
    assemble_source(SOURCE_DIR)
    completed = build_site(tools)
    if completed.returncode:
        print(completed.stderr, end="", file=sys.stderr)
    else:
        print(f"Written  {(SITE_DIR / 'index.html').relative_to(REPOSITORY)}: open it in a browser")
    return completed.returncode


def build_site(tools: Path, site: Path = SITE_DIR) -> subprocess.CompletedProcess[str]:
    """Builds the site from the assembled pages; any warning of MkDocs is an error.

    Without --quiet, which would hide the warnings and ignore them.
    """
    quiet = {"NO_MKDOCS_2_WARNING": "true", "PYTHONPATH": ""}  # no advertisement, and no import of the library
    command = [str(tools / "python"), "-m", "mkdocs", "build", "--strict", "--clean", "--site-dir", str(site)]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **quiet}, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
