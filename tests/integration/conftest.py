"""Runs single components' executors on small real data, without an orchestrator."""

from __future__ import annotations

from pathlib import Path

import pytest
from single_components import ComponentRunner


@pytest.fixture
def components(tmp_path: Path) -> ComponentRunner:
    return ComponentRunner(tmp_path)
