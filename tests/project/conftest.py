"""What the tests of a project share. They run once for each config in configs/."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from flightline.config.loader import load_config
from flightline.config.settings import Config

SPAN = 2  # where the data come in spans: the span that is tested


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests that take `config_file` run once for each config."""
    if "config_file" in metafunc.fixturenames:
        files = sorted((metafunc.config.rootpath / "configs").glob("*.yaml"))
        metafunc.parametrize("config_file", files, ids=[file.stem for file in files], scope="module")


@pytest.fixture(scope="module")
def load(config_file: Path, request: pytest.FixtureRequest) -> Iterator[Callable[..., Config]]:
    """`load("train.epochs=1", ...)`: the config with some values changed. Paths are relative to the project."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(request.config.rootpath)
        span = [f"data.span={SPAN}"] if load_config(config_file).data.spans.has_spans else []
        yield lambda *overrides: load_config(config_file, [*span, *overrides])
