"""Lines that ExampleGen would set aside as unparsable: how many, an example, what to do, and when it is too many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flightline.errors import InputError
from flightline.executors.example_gen.rejects import Reject

MAX_UNREADABLE_SHARE = 0.05
"""Share of the lines. Beyond, they are seldom lost by chance, and what is left does not speak for the table."""


@dataclass(frozen=True)
class UnreadableLines:
    """What a table has beside its rows.

    Attributes:
        count: lines that cannot be read.
        lines: all of them, the rows included.
        file, first: where the first one is, and what is wrong with it.
    """

    count: int = 0
    lines: int = 0
    file: str = ""
    first: Reject | None = None

    def with_block(self, file: str, rejected: Sequence[Reject], rows: int) -> UnreadableLines:
        """After a block of `file` more, with which there are so many rows."""
        count = self.count + len(rejected)
        if self.first or not rejected:
            return replace(self, count=count, lines=rows + count)
        return UnreadableLines(count, rows + count, file, rejected[0])

    @property
    def share(self) -> float:
        return self.count / self.lines if self.lines else 0.0

    @property
    def example(self) -> str:
        """File, line and reason of the first."""
        return f"{self.file}, line {self.first.line}: {self.first.detail}" if self.first else ""

    @property
    def said(self) -> str:
        """All of it, one sentence without a full stop."""
        return f"{self.count:,} of {self.lines:,} lines ({self.share:.1%}) cannot be read, the first {self.example}"

    @property
    def todo(self) -> str:
        """What mends lines such as the first."""
        detail = self.first.detail if self.first else ""
        if detail.startswith("not UTF-8"):
            return f"save it as UTF-8, such as by: iconv -f WINDOWS-1252 -t UTF-8 {self.file} > utf8.csv"
        if "the header has" in detail:
            return "quote the cells that hold a comma, and name every column in the header"
        return "quote cells as CSV does, a quote within them doubled"

    def check(self) -> None:
        """Refuses a table that lost more than a few lines.

        Raises:
            InputError: what is wrong with them, and what to do.
        """
        if self.share > MAX_UNREADABLE_SHARE:
            raise InputError(f"{self.said}; more than {MAX_UNREADABLE_SHARE:.0%} is no accident", self.todo)
