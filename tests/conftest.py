"""The data that the tests share, made once a session from the real recipe."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

# Runs of the pipeline that many files look at: one process takes all these files, and makes them once.
SHARED_RUNS = {"trained", "again"}
EVERY = 40  # the sample takes each 40th flight: 8,420 of them, from every month


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Says which tests `--dist loadgroup` keeps together: those of a file, and all files that share a run."""
    sharing = {item.path for item in items if SHARED_RUNS & set(getattr(item, "fixturenames", ()))}
    for item in items:
        group = "shared-run" if item.path in sharing else item.path.relative_to(Path(__file__).parent).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))


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
