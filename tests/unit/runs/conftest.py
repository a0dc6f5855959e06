from pathlib import Path

import pytest

from flightline.config.loader import load_config
from flightline.config.settings import Config


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """The flights' config, with a workspace of the test's own."""
    return load_config(Path("configs/flights.yaml"), [f"workspace={tmp_path}", "serving.log.hash_features=[]"])
