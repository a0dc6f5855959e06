"""The input of the scoring DAG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flightline.releases.model_artifact import ReleasedModel


@dataclass(frozen=True)
class ScoringJob:
    """Files to score, the release that scores them, and where the predictions go.

    Attributes:
        files: CSV or Parquet files; each becomes a split of the Examples.
        released: the released model and its input contract.
        output: the folder for predictions and rejected rows.
        scored_at: seconds since the epoch, written with each prediction.
    """

    files: Sequence[Path]
    released: ReleasedModel
    output: Path
    scored_at: int
