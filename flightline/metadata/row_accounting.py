"""Row accounting: rows read = rows of each split + rows rejected, stored as properties of the Examples artifact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ROWS_READ, ROWS_SPLIT_PREFIX, ROWS_REJECTED_PREFIX = "rows_read", "rows_split_", "rows_rejected_"


@dataclass(frozen=True)
class RowAccounting:
    """What became of the rows of an input.

    Attributes:
        read: rows of the input files.
        splits: rows used, by split.
        rejected: rejected rows, by reason.
    """

    read: int
    splits: dict[str, int]
    rejected: dict[str, int]

    @property
    def used(self) -> int:
        """Rows of all splits."""
        return sum(self.splits.values())

    @property
    def balanced(self) -> bool:
        """Whether every row that was read is accounted for."""
        return self.read == self.used + sum(self.rejected.values())


def row_count_properties(artifact: Any) -> dict[str, int]:
    """The `rows_*` custom properties of an Examples artifact (TFX's).

    Read through TFX: on Kubeflow, integers come back as JSON and not as integers of ML Metadata.
    """
    names = [name for name in artifact.mlmd_artifact.custom_properties if name.startswith("rows_")]
    return {name: artifact.get_int_custom_property(name) for name in names}


def parse_row_accounting(properties: Mapping[str, int]) -> RowAccounting | None:
    """The accounting in `rows_*` properties; None where there are none: stock TFX wrote the artifact."""
    if ROWS_READ not in properties:
        return None
    by_name = sorted(properties.items(), key=lambda item: (item[0] != f"{ROWS_SPLIT_PREFIX}train", item[0]))
    return RowAccounting(
        read=properties[ROWS_READ],
        splits={k.removeprefix(ROWS_SPLIT_PREFIX): v for k, v in by_name if k.startswith(ROWS_SPLIT_PREFIX)},
        rejected={k.removeprefix(ROWS_REJECTED_PREFIX): v for k, v in by_name if k.startswith(ROWS_REJECTED_PREFIX)},
    )
