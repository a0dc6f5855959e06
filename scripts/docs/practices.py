"""The table of practices in docs/practices.md: what shows each practice, and what proves it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Practice:
    """A row of the table; its cells are Markdown."""

    practice: str
    command: str
    test: str


def read_practices(page: str) -> list[Practice]:
    """The rows of the only table on a page, without its heading."""
    rows = [line for line in page.splitlines() if line.startswith("|")][2:]
    return [Practice(*(cell.strip() for cell in row.strip("|").split("|"))) for row in rows]
