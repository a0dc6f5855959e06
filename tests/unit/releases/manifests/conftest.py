"""Two releases."""

from __future__ import annotations

import pytest
from rendered_manifests import config_with_releases

from flightline.config.settings import Config


@pytest.fixture
def config(tmp_path) -> Config:
    return config_with_releases(tmp_path)
