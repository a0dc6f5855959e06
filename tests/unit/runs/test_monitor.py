"""Where a window begins and ends."""

from pathlib import Path

import pytest

from flightline.config.loader import DEFAULT_CONFIG
from flightline.errors import UsageError
from flightline.runs.monitoring import MonitorRequest, resolve_window


@pytest.mark.parametrize(
    ("named", "todo"),
    [(DEFAULT_CONFIG, "`make serve`"), (Path("configs/mine.yaml"), "`make serve ARGS='--config configs/mine.yaml'`")],
)
def test_the_error_about_an_empty_prediction_log_says_how_to_serve_this_pipeline(config, named, todo):
    with pytest.raises(UsageError) as raised:
        resolve_window(config, MonitorRequest(named), [])
    assert raised.value.fix.endswith(todo)
