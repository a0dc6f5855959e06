import contextlib
import json
import os
import subprocess
import sys
import threading

import pytest

from flightline.errors import ArtifactDamaged, UsageError
from flightline.releases import audit_log, pending_change
from flightline.releases.registry import finish_interrupted_change, promote, prune_releases, publish_release, roll_back
from flightline.releases.release import CURRENT_FILE, current_version, find_pushed_damage, read_releases
from flightline.serving.file_records import record_files
from flightline.utils.files import atomic_write
from scripts.repository import REPOSITORY


def push(folder, version):
    pushed = folder / version
    pushed.mkdir(parents=True)
    (pushed / "saved_model.pb").write_text("model")
    return pushed


def test_a_published_release_becomes_current(tmp_path):
    publish_release(push(tmp_path, "100"), {"run": "a"})
    publish_release(push(tmp_path, "200"), {"run": "b"})
    assert current_version(tmp_path) == "200"
    assert [(r.version, r.current, r.metadata["run"]) for r in read_releases(tmp_path)] == [
        ("200", True, "b"),
        ("100", False, "a"),
    ]


def test_versions_are_sorted_numerically(tmp_path):
    for version in ("9", "10"):
        publish_release(push(tmp_path, version), {})
    assert [r.version for r in read_releases(tmp_path)] == ["10", "9"]


def test_a_pushed_but_unpublished_version_is_not_a_release(tmp_path):
    publish_release(push(tmp_path, "100"), {})
    push(tmp_path, "200")  # the run was killed before it was published
    assert [r.version for r in read_releases(tmp_path)] == ["100"]
    assert current_version(tmp_path) == "100"


def test_an_empty_registry_has_no_current_version(tmp_path):
    assert read_releases(tmp_path / "absent") == []
    assert current_version(tmp_path) is None


def test_a_failed_write_keeps_the_old_content(tmp_path):
    (tmp_path / CURRENT_FILE).write_text("100\n")
    with pytest.raises(UnicodeEncodeError):
        atomic_write(tmp_path / CURRENT_FILE, "\udcff")
    assert current_version(tmp_path) == "100"


@pytest.fixture
def five(tmp_path):
    for version in ("1", "2", "3", "4", "5"):
        publish_release(push(tmp_path, version), {"run": version})
    return tmp_path


def test_a_rollback_returns_to_the_previous_release(five):
    assert roll_back(five, None, "too many false alarms") == ("5", "4")
    assert current_version(five) == "4"
    newest = read_releases(five)[0]
    assert (newest.version, newest.withdrawn, newest.current) == ("5", "too many false alarms", False)


def test_a_rollback_skips_withdrawn_releases(five):
    roll_back(five, None, "bad")
    publish_release(push(five, "6"), {})
    assert roll_back(five, None, "bad too") == ("6", "4")  # and not to 5
    assert roll_back(five, None, "") == ("4", "3")


def test_a_rollback_to_a_named_release_can_be_reverted_by_promote(five):
    assert roll_back(five, "2", "") == ("5", "2")
    assert promote(five, "5") == "2"
    assert current_version(five) == "5"
    assert [item.withdrawn for item in read_releases(five)] == [None] * 5


@pytest.mark.parametrize(
    ("version", "message"),
    [("9", "there is no release 9; there are 1, 2, 3, 4, 5"), ("5", "release 5 is already current")],
)
def test_a_rollback_to_an_unknown_or_current_release_is_rejected(five, version, message):
    with pytest.raises(UsageError) as error:
        roll_back(five, version, "")
    assert message in str(error.value)
    assert current_version(five) == "5"


def test_the_first_release_cannot_be_rolled_back(tmp_path):
    with pytest.raises(UsageError, match="has no current release"):
        roll_back(tmp_path, None, "")
    publish_release(push(tmp_path, "1"), {})
    with pytest.raises(UsageError, match="1 stays current: there is no older release"):
        roll_back(tmp_path, None, "")
    with pytest.raises(UsageError, match="there is no release 2"):
        promote(tmp_path, "2")


def test_pruning_keeps_the_current_canary_and_rollback_releases(five):
    promote(five, "2")
    (five / "CANARY").write_text(json.dumps({"version": "3", "traffic_share": 0.1}))
    push(five, "7")  # pushed, but not published yet
    assert prune_releases(five, keep=1) == ["4"]  # 5 is the newest, 3 the canary, 2 current, 1 for a rollback
    assert [item.version for item in read_releases(five)] == ["5", "3", "2", "1"]
    assert (five / "7").is_dir()


def test_an_interrupted_prune_is_completed_by_the_next(five):
    (five / "1").rename(five / ".retired-1")
    assert [item.version for item in read_releases(five)] == ["5", "4", "3", "2"]
    assert prune_releases(five, keep=10) == []
    assert not (five / ".retired-1").exists()


@pytest.mark.parametrize("writes", range(5))
def test_an_interrupted_rollback_is_completed_by_the_next_process(five, monkeypatch, writes):
    """Kill a rollback before each of its writes: before the first, nothing changes; later, everything does."""
    real, done = pending_change.atomic_write, []

    def killed(path, text):
        if len(done) == writes:
            raise KeyboardInterrupt
        done.append(path)
        real(path, text)

    monkeypatch.setattr(pending_change, "atomic_write", killed)
    with contextlib.suppress(KeyboardInterrupt):
        roll_back(five, None, "bad")
    monkeypatch.setattr(pending_change, "atomic_write", real)
    finish_interrupted_change(five)
    newest = read_releases(five)[0]
    assert (current_version(five), newest.withdrawn) == (("5", None) if writes == 0 else ("4", "bad"))
    assert not list(five.glob(".change"))


def test_a_reader_always_sees_a_complete_current_release(five):
    """CURRENT names a complete release at all times while others promote, roll back, publish and prune."""
    seen, stop = set(), threading.Event()

    def read():
        while not stop.is_set():
            version = current_version(five)
            seen.add((five / version / "saved_model.pb").is_file() and (five / version / "release.json").is_file())

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(40):
        promote(five, "4")
        promote(five, "5")
        publish_release(push(five, str(10 + number)), {})
        roll_back(five, "5", "")
        prune_releases(five, keep=4)
    stop.set()
    reader.join()
    assert seen == {True}


DAMAGES = {
    "empty": b"",
    "half": b'{"run": "a", "met',
    "binary": bytes(range(256)),
    "list": b"[1, 2]",
    "number": b"7",
    "wrong types": b'{"run": null, "metrics": "good"}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_current_release_is_listed_and_can_be_rolled_back(five, content):
    (five / "5" / "release.json").write_bytes(content)
    newest = read_releases(five)[0]
    assert (newest.version, newest.current, newest.metadata) == ("5", True, {})
    assert newest.unreadable
    assert roll_back(five, None, "damaged") == ("5", "4")
    with pytest.raises(ArtifactDamaged, match="release 5 is damaged"):
        promote(five, "5")


def test_a_rollback_skips_damaged_releases(five):
    (five / "4" / "release.json").write_text("{")
    with pytest.raises(ArtifactDamaged, match="release 4 is damaged"):
        roll_back(five, "4", "")
    assert roll_back(five, None, "") == ("5", "3")


def test_a_withdrawn_file_of_any_content_marks_a_release_as_withdrawn(five):
    for content in ("", "[]", "{"):
        (five / "4" / "withdrawn.json").write_text(content)
        assert read_releases(five)[1].withdrawn == ""


def test_an_unpublished_version_is_removed_once_a_newer_one_is_published(five):
    for version in ("0", "6"):
        push(five, version)
    assert prune_releases(five, keep=10, workspace=five.parent) == []
    assert not (five / "0").exists()
    assert (five / "6").is_dir()  # the next run may publish it
    assert [entry.event for entry in audit_log.verify(five.parent)] == ["unpublished version removed"]


def test_temporary_files_of_killed_processes_are_removed(five):
    left, other = five / ".CURRENT.999999999", five / f".CURRENT.{os.getppid()}"
    for path in (left, other):
        path.write_text("4")
        os.utime(path, (0, 0))
    promote(five, "4")
    assert not left.exists()
    assert other.exists()  # its process runs


def test_a_disk_that_is_full_leaves_no_temporary_file(five):
    script = (
        "import resource, signal, sys; from pathlib import Path; from flightline.utils.files import atomic_write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "atomic_write(Path(sys.argv[1]), 'x' * 200)"
    )
    ended = subprocess.run([sys.executable, "-c", script, five / "CURRENT"], cwd=REPOSITORY, capture_output=True)
    assert b"File too large" in ended.stderr
    assert current_version(five) == "5"
    assert not list(five.glob(".CURRENT*"))


def test_a_damaged_release_is_neither_promoted_nor_rolled_back_to(tmp_path):
    for version in ("100", "200", "300"):
        publish_release(push(tmp_path, version), {})
    (tmp_path / "200" / "saved_model.pb").write_text("other")
    with pytest.raises(ArtifactDamaged, match=r"release 200 is damaged: saved_model\.pb has another content"):
        promote(tmp_path, "200")
    with pytest.raises(ArtifactDamaged):
        roll_back(tmp_path, "200", "it is slow")
    assert current_version(tmp_path) == "300"
    assert roll_back(tmp_path, None, "it is slow") == ("300", "100")


def test_a_version_is_compared_with_what_was_pushed_even_if_release_json_was_rewritten(tmp_path):
    pushed = push(tmp_path, "100")
    record = record_files(pushed)
    publish_release(pushed, {})
    assert find_pushed_damage(pushed, record) == []
    (pushed / "saved_model.pb").write_text("other")
    forged = {"saved_model.pb": record_files(pushed)["saved_model.pb"]}
    (pushed / "release.json").write_text(json.dumps({"files": forged}))
    assert find_pushed_damage(pushed) == []
    assert find_pushed_damage(pushed, record) == ["saved_model.pb has another content than recorded"]
