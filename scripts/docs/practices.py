"""The README's table of practices: what shows each, what proves it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scripts.docs.markdown import table

HEADING = "## What shows it, what proves it"
_INTRODUCTION = """# Practices

Each practice, the command that shows it, and the test that proves it. `flightline` and `runner_*.py` are called with
`.venv/bin/`. A test holds this table to the commands and the files that there are.
"""


@dataclass(frozen=True)
class Practice:
    """A line of the table; its cells are Markdown."""

    practice: str
    command: str
    test: str


def read_practices(readme: str) -> list[Practice]:
    """The table of a README, without its heading."""
    section = readme.split(f"\n{HEADING}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [Practice(*(cell.strip() for cell in line.strip("|").split("|"))) for line in lines]


def render_page(readme: str) -> str:
    """The page of the site: its links lead from beside docs/'s pages."""
    rows = [(item.practice, item.command, item.test) for item in read_practices(readme)]
    text = f"{_INTRODUCTION}\n{table(('practice', 'command', 'test'), rows)}"
    return re.sub(r"\[docs/([\w-]+\.md)\]\(docs/\1\)", r"[\1](\1)", text)
