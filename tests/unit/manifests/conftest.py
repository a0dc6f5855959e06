"""Two releases."""

from __future__ import annotations

import pytest
from manifests_written import config_with_releases

from pipeline.config import Config


@pytest.fixture
def config(tmp_path) -> Config:
    return config_with_releases(tmp_path)
