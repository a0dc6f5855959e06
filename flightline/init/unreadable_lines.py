"""Lines that ExampleGen would reject as unparsable: how many, an example, advice, and a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flightline.errors import InputError
from flightline.executors.example_gen.rejects import Reject

MAX_UNREADABLE_SHARE = 0.05
"""Share of the lines. More indicate a systematic problem, and the rest does not represent the table."""


@dataclass(frozen=True)
class UnreadableLines:
    """The unreadable lines of a table.

    Attributes:
        count: the number of unreadable lines.
        lines: the number of all lines, including the rows.
        file: the file with the first unreadable line.
        first: its line number, and what is wrong with it.
    """

    count: int = 0
    lines: int = 0
    file: str = ""
    first: Reject | None = None

    def with_block(self, file: str, rejected: Sequence[Reject], rows: int) -> UnreadableLines:
        """The counts after another block of `file`, after which the table has `rows` rows."""
        count = self.count + len(rejected)
        if self.first or not rejected:
            return replace(self, count=count, lines=rows + count)
        return UnreadableLines(count, rows + count, file, rejected[0])

    @property
    def share(self) -> float:
        return self.count / self.lines if self.lines else 0.0

    @property
    def example(self) -> str:
        """File, line and reason of the first unreadable line."""
        return f"{self.file}, line {self.first.line}: {self.first.detail}" if self.first else ""

    @property
    def summary(self) -> str:
        """The number of lines and an example, for a message."""
        return f"{self.count:,} of {self.lines:,} lines ({self.share:.1%}) cannot be read, the first is {self.example}"

    @property
    def advice(self) -> str:
        """How to fix lines such as the first."""
        detail = self.first.detail if self.first else ""
        if detail.startswith("not UTF-8"):
            return f"save it as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8 {self.file} > utf8.csv"
        if "the header has" in detail:
            return "quote the cells that contain a comma, and name every column in the header"
        return "quote cells with special characters, and double the quotes within them"

    def check(self) -> None:
        """Check that only a few lines are unreadable.

        Raises:
            InputError: there are more than `MAX_UNREADABLE_SHARE`.
        """
        if self.share > MAX_UNREADABLE_SHARE:
            raise InputError(f"{self.summary}; at most {MAX_UNREADABLE_SHARE:.0%} are accepted", self.advice)
