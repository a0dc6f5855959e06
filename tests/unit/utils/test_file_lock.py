"""One run at a time: who holds the workspace is told, and a holder that died keeps nobody out."""

import os
import signal
import subprocess
import sys
import time

import pytest

from flightline.utils.file_lock import LockHeld, hold_lock
from scripts.repository import REPOSITORY

HOLD = """
import sys, time
from pathlib import Path
from flightline.utils.file_lock import hold_lock
with hold_lock(Path(sys.argv[1]), "flights", "a run"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def hold(tmp_path):
    """`hold(seconds)` → a process that is in the workspace."""
    started = []

    def hold(seconds):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path), str(seconds)],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.wait()


def test_the_error_names_the_lock_holder_and_locks_are_separate_by_name(hold, tmp_path):
    process = hold(60)
    told = rf"in use by a run of process {process.pid} on \S+, for 0 min \d+ s; wait"
    with pytest.raises(LockHeld, match=told), hold_lock(tmp_path, "flights", "a run"):
        raise AssertionError("it was let in")
    with hold_lock(tmp_path, "scores", "a run") as left:  # another pipeline is nobody's business
        assert left is None


def test_waiting_for_a_lock_reports_its_holder(hold, tmp_path):
    process = hold(2)
    said = []
    with hold_lock(tmp_path, "flights", "a run", 30, said.append) as left:
        assert left is None  # it ended well
        process.wait(5)
    assert [line.startswith("waiting for a run of process") for line in said] == [True]


def test_the_lock_of_a_killed_holder_is_free_and_names_the_holder(hold, tmp_path):
    process = hold(60)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(0.1)
    with hold_lock(tmp_path, "flights", "a run") as left:
        assert left is not None
        assert left.pid == process.pid
    with hold_lock(tmp_path, "flights", "a run") as left:
        assert left is None
