"""Where a window begins and ends."""

from pathlib import Path

import pytest

from pipeline.config_file import DEFAULT_CONFIG
from pipeline.errors import UsageError
from pipeline.monitor.run import MonitorRequest, window_of


@pytest.mark.parametrize(
    ("named", "todo"),
    [(DEFAULT_CONFIG, "`make serve`"), (Path("configs/mine.yaml"), "`make serve ARGS='--config configs/mine.yaml'`")],
)
def test_without_a_log_it_says_how_to_serve_this_pipeline(config, named, todo):
    with pytest.raises(UsageError) as raised:
        window_of(config, MonitorRequest(named), [])
    assert raised.value.todo.endswith(todo)
