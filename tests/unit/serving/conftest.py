"""A contract like the flights', small."""

from __future__ import annotations

import pytest

from flightline.serving.contract import Contract

INPUTS = [
    {"name": "month", "type": "int", "required": True, "min": 1, "max": 12},
    {"name": "dep_delay", "type": "int", "required": True},
    {"name": "origin", "type": "bytes", "required": True, "values": ["EWR", "JFK", "LGA"]},
    {"name": "tailnum", "type": "bytes", "required": False},
    {"name": "temp", "type": "float", "required": False, "min": -60.0, "max": 140.0},
]
ROW = {"month": 7, "dep_delay": 90, "origin": "EWR", "tailnum": "N14228", "temp": 39.02}


@pytest.fixture
def contract() -> Contract:
    return Contract.from_inputs(INPUTS)


@pytest.fixture
def row() -> dict[str, object]:
    """One that keeps the contract."""
    return dict(ROW)
