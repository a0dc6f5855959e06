"""A release with everything that its bill of materials lists."""

from __future__ import annotations

from pathlib import Path

from flightline.config.release import ModelCardConfig
from flightline.metadata.provenance import Provenance
from flightline.releases.requirements_lock import parse_pins, select_pins
from flightline.releases.sbom import SbomInputs
from scripts.repository import REPOSITORY

LOCK = REPOSITORY / "requirements.lock"


def make_bill(folder: Path, word: str = "flights", **changes) -> SbomInputs:
    """The real lock for Python 3.10 and two files of a model; `word` is used for every text that users can set."""
    (folder / "variables").mkdir(parents=True, exist_ok=True)
    (folder / "saved_model.pb").write_bytes(b"a graph")
    (folder / "variables" / "variables.index").write_bytes(b"weights")
    digests = {"data": "a" * 64, "schema": "b" * 64, "lock": "c" * 64}
    inputs = {f"{word}.csv": "d" * 64, "span-02/flights.csv": "e" * 64}
    provenance = Provenance("0123abc", True, 2, digests, {"Python": "3.10.13", "tfx": "1.16.0"}, inputs)
    card = ModelCardConfig(owners=word, intended_use=word, limits=word)
    made = {
        "name": "flights", "version": "1795430995", "path": folder, "run": "first", "released": 1795430995.0,
        "provenance": provenance, "pins": select_pins(parse_pins(LOCK.read_text()), "3.10.13"),
        "metrics": {"auc": 0.94},
        "label": word, "target": {}, "card": card,
    }  # fmt: skip
    return SbomInputs(**{**made, **changes})
