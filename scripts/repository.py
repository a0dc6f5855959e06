"""Where this repository lies on the disk."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
