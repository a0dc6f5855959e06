"""A config with a temporary workspace, and a prediction log as the server writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from flightline.config.loader import load_config
from flightline.config.settings import Config
from flightline.releases.server import prediction_log_folder
from flightline.serving.log_batch import LogEntry
from flightline.serving.prediction_log import PredictionLog
from flightline.serving.settings import LogSettings


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(Path("configs/flights.yaml"), [f"workspace={tmp_path}", "serving.log.hash_features=[]"])


@pytest.fixture
def log(config: Config):
    """`log(*entries)` writes entries as the server does."""

    def write(*entries: LogEntry) -> None:
        written = PredictionLog(LogSettings(prediction_log_folder(config), flush_s=0.01))
        for entry in entries:
            assert written.append(entry)
        written.close()

    return write
