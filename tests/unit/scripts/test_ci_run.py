"""`.ci/run` with commands that end at once: what it runs, what it skips, and the table at its end."""

import os
import re
import shutil
import subprocess

import pytest

from scripts.docs.commands import make_targets
from scripts.repository import REPOSITORY

SCRIPT = REPOSITORY / ".ci" / "run"


def write_script(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def ci(tmp_path):
    """`ci(make="exit 0", ...)` runs the script in a folder where make, Python and the server's set-up are these."""

    def run(make="exit 0", python="exit 0", serving="exit 0", **variables):
        write_script(tmp_path / "bin" / "make", make)
        write_script(tmp_path / ".venv" / "bin" / "python", python)
        write_script(tmp_path / "scripts" / "serving.sh", serving)
        write_script(tmp_path / "scripts" / "browser.sh", "exit 0")
        (tmp_path / ".ci").mkdir()
        shutil.copy(SCRIPT, tmp_path / ".ci" / "run")
        environment = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", **variables}
        return subprocess.run([tmp_path / ".ci" / "run"], env=environment, capture_output=True, text=True, check=False)

    return run


def results(ended):
    """Part → result, from the table."""
    table = ended.stdout.rsplit("PART ", 1)[1].splitlines()[1:-1]
    return {line.split()[0]: line.split()[1] for line in table}


def test_every_part_is_run_and_listed(ci):
    ended = ci()
    assert ended.returncode == 0
    assert len(results(ended)) == 12
    assert set(results(ended).values()) == {"passed"}


def test_its_commands_are_targets_of_make():
    called = re.findall(r"^part \S+ .*?\bmake ([a-z0-9-]+)", SCRIPT.read_text(), re.MULTILINE)
    assert {"check", "test", "test-slow"} <= set(called)
    assert set(called) <= make_targets().keys()


def test_a_failed_part_fails_the_run_and_the_others_still_run(ci):
    ended = ci(make='[ "$1" != test-dvc ]')
    assert ended.returncode == 1
    assert results(ended)["dvc"] == "failed"
    assert results(ended)["docs"] == "passed"


def test_a_part_whose_tools_cannot_be_had_is_skipped_with_the_reason(ci):
    ended = ci(serving="exit 75")
    assert ended.returncode == 0
    assert results(ended)["serving"] == "skipped"
    assert "make test-serving (not available on this machine, see 'scripts/serving.sh' above)" in ended.stdout


def test_a_set_up_that_fails_is_a_failure(ci):
    ended = ci(serving="exit 3")
    assert ended.returncode == 1
    assert "make test-serving (its set-up 'scripts/serving.sh' exited with 3)" in ended.stdout


def test_no_part_is_begun_after_the_budget(ci):
    ended = ci(make="echo called", BUDGET_MIN="0")
    assert "called" not in ended.stdout
    assert set(results(ended).values()) == {"skipped"}
    assert "the budget of 0 minutes was spent" in ended.stdout


def test_new_advisories_are_shown_and_do_not_fail_the_run(ci):
    ended = ci(python='[ "$3" = setup ] || [ "$2" != scripts.audit ]')
    assert ended.returncode == 0
    assert "WARNING: there are advisories" in ended.stdout
    assert results(ended)["audit"] == "passed"
