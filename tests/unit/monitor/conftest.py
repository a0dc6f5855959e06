"""A config of its own for each test, and a prediction log as a server leaves it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import Config
from pipeline.config_file import load_config
from pipeline.serving import prediction_log_folder
from serving.log_batch import Entry
from serving.prediction_log import PredictionLog
from serving.settings import LogSettings


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(Path("configs/flights.yaml"), [f"workspace={tmp_path}", "serving.log.hash=[]"])


@pytest.fixture
def log(config: Config):
    """`log(*entries)` writes what a server would have."""

    def write(*entries: Entry) -> None:
        written = PredictionLog(LogSettings(prediction_log_folder(config), flush_s=0.01))
        for entry in entries:
            assert written.append(entry)
        written.close()

    return write
