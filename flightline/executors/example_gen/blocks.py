"""Blocks of rows: the form in which a table is read, for every file format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from flightline.executors.example_gen.rejects import Reject
from flightline.serving.input_feature import ColumnType


@dataclass(frozen=True)
class Block:
    """Consecutive rows of one table.

    Attributes:
        columns: name to Arrow dictionary array [rows]; null where a value is missing. CSV values are the text of
            the cell, Parquet values have the type of the file.
        lines: [rows] int64, the line of the file each row begins on (Parquet: the row), counting from 1.
        text: the text of a row, by its position in the block.
        rejected: records between these rows that could not be read as rows.
    """

    columns: dict[str, pa.DictionaryArray]
    lines: np.ndarray
    text: Callable[[int], str]
    rejected: list[Reject]


class Table(Protocol):
    """A file that holds a table."""

    path: str
    columns: list[str]

    def blocks(self, block_bytes: int, columns: Sequence[str] | None = None) -> Iterator[Block]:
        """Yields the rows in order, reading about `block_bytes` at a time; all columns by default."""
        ...

    def pieces(self, block_bytes: int) -> Iterator[Any]:
        """Yields parts of the file that can be sent to another process and be read there by `read`."""
        ...

    def read(self, piece: Any, block_bytes: int) -> Iterator[Block]:
        """Yields the rows of a piece."""
        ...

    def kinds(self, block_bytes: int, columns: Sequence[str]) -> dict[str, ColumnType | None]:
        """The types of the given columns over the entire file."""
        ...
