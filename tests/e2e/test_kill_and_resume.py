"""`kill -9` at any moment: the run that goes on comes to what a run comes to that nobody killed.

A moment here; `make test-kill` takes fifty, at random.
"""

import os
import random
import shutil
import time

import pytest
from kill_and_resume import kill_and_resume

KILLS = int(os.environ.get("KILLS", "1"))


@pytest.fixture(scope="module")
def month(flights_sample, tmp_path_factory):
    folder = tmp_path_factory.mktemp("month")
    shutil.copytree(flights_sample / "span-06", folder / "span-06")
    return folder


@pytest.fixture(scope="module")
def whole(run, month, tmp_path_factory):
    """(a run that nobody killed, its seconds)."""
    run(tmp_path_factory.mktemp("warm") / "workspace", month, "run", "--to", "SchemaGen")
    start = time.monotonic()
    result = run(tmp_path_factory.mktemp("whole") / "workspace", month, "run")
    assert result.code == 0, result.err
    return result, time.monotonic() - start


@pytest.mark.parametrize("number", range(KILLS))
def test_a_killed_run_can_be_resumed(run, month, whole, tmp_path, number):
    """Every third is killed again while it goes on."""
    result, seconds = whole
    chance = random.Random(number)
    # Spread over the whole run, with a little chance in each part of it.
    moments = [seconds * (number + chance.random()) / KILLS]
    if number % 3 == 2:
        moments.append(chance.uniform(0, seconds / 2))
    killed = kill_and_resume(run, tmp_path / "workspace", month, result, moments)
    told = f"killed after {', '.join(f'{moment:.1f}' for moment in moments)} of {seconds:.1f} s"
    print(f"{told}: {killed.wrong or 'whole'}")  # noqa: T201 - the harness shows each
    assert killed.wrong == []
