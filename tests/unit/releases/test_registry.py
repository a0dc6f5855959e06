import contextlib
import json
import threading

import pytest

import flightline.releases.registry
from flightline.errors import ArtifactDamaged, UsageError
from flightline.releases.registry import (
    CURRENT_FILE,
    current_version,
    find_pushed_damage,
    finish_interrupted_change,
    promote,
    prune_releases,
    publish_release,
    read_releases,
    roll_back,
)
from flightline.serving.file_records import record_files
from flightline.utils.files import atomic_write


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
    real, done = flightline.releases.registry.atomic_write, []

    def killed(path, text):
        if len(done) == writes:
            raise KeyboardInterrupt
        done.append(path)
        real(path, text)

    monkeypatch.setattr(flightline.releases.registry, "atomic_write", killed)
    with contextlib.suppress(KeyboardInterrupt):
        roll_back(five, None, "bad")
    monkeypatch.setattr(flightline.releases.registry, "atomic_write", real)
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
