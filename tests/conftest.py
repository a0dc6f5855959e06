"""The data that the tests share, made once a session from the real recipe."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

import hypothesis
import pandas as pd
import pytest
from xdist.scheduler import LoadScopeScheduling

hypothesis.settings.register_profile("any machine", deadline=None)  # a busy one is no failure
hypothesis.settings.load_profile("any machine")

EVERY = 40  # the sample takes each 40th flight: 8,420 of them, from every month


class SharedRunScheduling(LoadScopeScheduling):
    """The tests of a file run in one process, and so do all files that look at the run that `trained` makes."""

    _shared = re.compile(r"^def \w+\([^)]*\btrained\b", re.MULTILINE)

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "shared run" if _takes(file, self._shared) else file


@functools.cache
def _takes(file: str, fixture: re.Pattern[str]) -> bool:
    return bool(fixture.search((Path(__file__).parents[1] / file).read_text(encoding="utf-8")))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> SharedRunScheduling:
    return SharedRunScheduling(config, log)


@pytest.fixture(scope="session")
def flights_year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All twelve spans, as `make data` makes them."""
    from data import flights

    folder = tmp_path_factory.mktemp("flights")
    flights.make(folder)
    return folder


@pytest.fixture(scope="session")
def flights_sample(flights_year: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every 40th flight of each span, in the same folders and files."""
    folder = tmp_path_factory.mktemp("sample")
    for source in sorted(flights_year.glob("span-*/flights.csv")):
        rows = pd.read_csv(source, dtype=str, keep_default_na=False).iloc[::EVERY]
        target = folder / source.parent.name / source.name
        target.parent.mkdir()
        rows.to_csv(target, index=False)
    return folder
