"""Changes of production: none without an entry in the audit log, none half made, whenever the process is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from flightline.errors import FlightlineError
from flightline.releases import audit_log
from flightline.releases.pending_change import AuditEvent, complete_change, make_change
from flightline.releases.registry import finish_interrupted_change, promote, prune_releases, publish_release, roll_back
from flightline.releases.release import current_version, read_releases
from flightline.releases.rollout import set_canary, set_shadow
from scripts.repository import REPOSITORY

# Roll back, and be killed at the Nth time that something is flushed to disk.
KILLED_ROLLBACK = """
import os, signal, sys
from pathlib import Path
from flightline.releases.registry import roll_back
workspace, point, real, calls = Path(sys.argv[1]), int(sys.argv[2]), os.fsync, []
def fsync(file):
    calls.append(file)
    if len(calls) == point:
        os.kill(os.getpid(), signal.SIGKILL)
    real(file)
os.fsync = fsync
roll_back(workspace / "releases" / "flights", None, "too many false alarms", workspace)
"""


@pytest.fixture
def releases(tmp_path):
    folder = tmp_path / "releases" / "flights"
    for version in ("1", "2"):
        (folder / version).mkdir(parents=True)
        publish_release(folder / version, {"run": f"run-{version}"}, tmp_path)
    return folder


def changes(workspace, event="rolled back"):
    return [entry for entry in audit_log.verify(workspace) if entry.event == event]


@pytest.mark.parametrize("point", range(1, 10))
def test_a_killed_rollback_is_recorded_before_it_is_made_and_completed_once(tmp_path, releases, point):
    ended = subprocess.run([sys.executable, "-c", KILLED_ROLLBACK, str(tmp_path), str(point)], cwd=REPOSITORY)
    assert ended.returncode == -signal.SIGKILL
    if current_version(releases) == "1":
        assert len(changes(tmp_path)) == 1
    finish_interrupted_change(releases)
    newest = read_releases(releases)[0]
    state = (current_version(releases), newest.withdrawn, len(changes(tmp_path)))
    assert state in {("2", None, 0), ("1", "too many false alarms", 1)}
    assert state[2] == 1 or point == 1  # only a change that is not on disk yet is forgotten
    finish_interrupted_change(releases)
    assert len(changes(tmp_path)) <= 1


CHANGES = {
    "promote": lambda folder, workspace: promote(folder, "1", "", workspace),
    "rollback": lambda folder, workspace: roll_back(folder, None, "", workspace),
    "canary": lambda folder, workspace: set_canary(folder, "1", 0.5, workspace),
    "shadow": lambda folder, workspace: set_shadow(folder, "1", workspace),
    "publish": lambda folder, workspace: publish_release(folder / "3", {}, workspace),
    "retire": lambda folder, workspace: prune_releases(folder, 1, workspace),
}


def files_in(folder):
    return {path: path.read_text() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("change", CHANGES)
def test_with_a_corrupted_audit_log_nothing_changes(tmp_path, releases, change):
    (releases / "3").mkdir()
    if change == "retire":
        (releases / "0").mkdir()
        publish_release(releases / "0", {}, tmp_path)
        promote(releases, "2", "", tmp_path)
    log = tmp_path / audit_log.LOG_FILE
    log.write_text(log.read_text()[:-4] + "1}\n")
    before = files_in(releases)
    with pytest.raises(FlightlineError, match=r"audit\.jsonl is corrupted at line"):
        CHANGES[change](releases, tmp_path)
    assert files_in(releases) == before


def test_an_audit_log_that_cannot_be_written_refuses_the_change(tmp_path, releases):
    (tmp_path / audit_log.LOCK_FILE).unlink()
    (tmp_path / audit_log.LOCK_FILE).mkdir()
    before = files_in(releases)
    with pytest.raises(FlightlineError, match=r"nothing was changed: the audit log in .* cannot be written: Is a dir"):
        promote(releases, "1", "", tmp_path)
    assert files_in(releases) == before


@pytest.fixture
def shared_folder():
    """A folder whose parents every user may enter, unlike those of `tmp_path`."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def test_a_user_without_a_name_can_change_production(shared_folder):
    """Containers often run with a uid that the password file does not have."""
    folder = shared_folder / "releases" / "flights"
    (folder / "1").mkdir(parents=True)
    if os.getuid() == 0:
        for path in (shared_folder, folder.parent, folder, folder / "1"):
            os.chown(path, 54321, 54321)
    script = """
import os, sys
from pathlib import Path
from flightline.releases.registry import publish_release
if os.getuid() == 0:
    os.setgid(54321); os.setuid(54321)
workspace = Path(sys.argv[1])
publish_release(workspace / "releases" / "flights" / "1", {}, workspace)
"""
    environment = {k: v for k, v in os.environ.items() if k not in ("LOGNAME", "USER", "LNAME", "USERNAME")}
    subprocess.run([sys.executable, "-c", script, str(shared_folder)], cwd=REPOSITORY, env=environment, check=True)
    assert current_version(folder) == "1"
    if os.getuid() == 0:
        assert changes(shared_folder, "pushed")[0].user.startswith("uid-54321@")


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user, which only root can")
def test_another_users_releases_are_refused_in_one_sentence(tmp_path, releases):
    script = """
import os, sys
from pathlib import Path
from flightline.errors import UsageError
from flightline.releases.registry import promote
os.setgid(54321); os.setuid(54321)
try:
    promote(Path(sys.argv[1]) / "releases" / "flights", "1", "", Path(sys.argv[1]))
except UsageError as error:
    print(error)
"""
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    command = [sys.executable, "-c", script, str(tmp_path)]
    said = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert "cannot be changed: Permission denied; free disk space, or run this as the user who owns" in said
    assert current_version(releases) == "2"


def test_a_completed_change_edits_files_outside_the_workspace(tmp_path):
    """A schema that was accepted lies in the project."""
    schema, journal = tmp_path / "schema" / "flights.pbtxt", tmp_path / "workspace" / "schema.change"
    for folder in (schema.parent, journal.parent):
        folder.mkdir()
    make_change(journal, {schema: "new"}, AuditEvent(journal.parent, "schema accepted", {"run": "a"}))
    assert schema.read_text() == "new"
    assert not journal.exists()
    complete_change(journal)
    assert [entry.event for entry in audit_log.verify(journal.parent)] == ["schema accepted"]


def test_a_damaged_record_of_a_change_is_refused(tmp_path):
    (tmp_path / ".change").write_text("{")
    with pytest.raises(FlightlineError, match=r"the record of an interrupted change, is damaged"):
        complete_change(tmp_path / ".change")
