import contextlib
import json
import threading

import pytest

import flightline.releases.registry
from flightline.errors import UsageError
from flightline.releases.registry import (
    CURRENT_FILE,
    current_version,
    finish_interrupted_change,
    promote,
    prune_releases,
    publish_release,
    read_releases,
    roll_back,
)
from flightline.utils.files import atomic_write


def push(folder, version):
    pushed = folder / version
    pushed.mkdir(parents=True)
    (pushed / "saved_model.pb").write_text("model")
    return pushed


def test_a_release_becomes_current(tmp_path):
    publish_release(push(tmp_path, "100"), {"run": "a"})
    publish_release(push(tmp_path, "200"), {"run": "b"})
    assert current_version(tmp_path) == "200"
    assert [(r.version, r.current, r.about["run"]) for r in read_releases(tmp_path)] == [
        ("200", True, "b"),
        ("100", False, "a"),
    ]


def test_versions_are_ordered_as_numbers(tmp_path):
    for version in ("9", "10"):
        publish_release(push(tmp_path, version), {})
    assert [r.version for r in read_releases(tmp_path)] == ["10", "9"]


def test_a_push_that_was_never_finished_is_no_release(tmp_path):
    publish_release(push(tmp_path, "100"), {})
    push(tmp_path, "200")  # the run ended before it was made current
    assert [r.version for r in read_releases(tmp_path)] == ["100"]
    assert current_version(tmp_path) == "100"


def test_nothing_released_yet(tmp_path):
    assert read_releases(tmp_path / "absent") == []
    assert current_version(tmp_path) is None


def test_a_write_that_fails_leaves_the_old_content(tmp_path):
    (tmp_path / CURRENT_FILE).write_text("100\n")
    with pytest.raises(UnicodeEncodeError):
        atomic_write(tmp_path / CURRENT_FILE, "\udcff")
    assert current_version(tmp_path) == "100"


@pytest.fixture
def five(tmp_path):
    for version in ("1", "2", "3", "4", "5"):
        publish_release(push(tmp_path, version), {"run": version})
    return tmp_path


def test_back_to_the_release_before(five):
    assert roll_back(five, None, "too many false alarms") == ("5", "4")
    assert current_version(five) == "4"
    newest = read_releases(five)[0]
    assert (newest.version, newest.withdrawn, newest.current) == ("5", "too many false alarms", False)


def test_back_and_back_again_passes_over_what_was_withdrawn(five):
    roll_back(five, None, "bad")
    publish_release(push(five, "6"), {})
    assert roll_back(five, None, "bad too") == ("6", "4")  # and not to 5
    assert roll_back(five, None, "") == ("4", "3")


def test_back_to_one_that_is_named_and_forth_again(five):
    assert roll_back(five, "2", "") == ("5", "2")
    assert promote(five, "5") == "2"
    assert current_version(five) == "5"
    assert [item.withdrawn for item in read_releases(five)] == [None] * 5


@pytest.mark.parametrize(
    ("version", "told"), [("9", "there is no 9; there are 1, 2, 3, 4, 5"), ("5", "release 5 is current already")]
)
def test_where_a_rollback_cannot_go(five, version, told):
    with pytest.raises(UsageError) as refused:
        roll_back(five, version, "")
    assert told in str(refused.value)
    assert current_version(five) == "5"


def test_the_first_release_has_nothing_before_it(tmp_path):
    with pytest.raises(UsageError, match="is current"):
        roll_back(tmp_path, None, "")
    publish_release(push(tmp_path, "1"), {})
    with pytest.raises(UsageError, match="1 stays current: there is no older release"):
        roll_back(tmp_path, None, "")
    with pytest.raises(UsageError, match="there is no release 2"):
        promote(tmp_path, "2")


def test_the_oldest_are_retired_but_not_what_is_needed(five):
    promote(five, "2")
    (five / "CANARY").write_text(json.dumps({"version": "3", "share": 0.1}))
    push(five, "7")  # not released: somebody is at it
    assert prune_releases(five, keep=1) == ["4"]  # 5 is the newest, 3 on trial, 2 current, 1 what a rollback goes to
    assert [item.version for item in read_releases(five)] == ["5", "3", "2", "1"]
    assert (five / "7").is_dir()


def test_a_retirement_that_was_killed_is_finished_by_the_next(five):
    (five / "1").rename(five / ".retired-1")
    assert [item.version for item in read_releases(five)] == ["5", "4", "3", "2"]
    assert prune_releases(five, keep=10) == []
    assert not (five / ".retired-1").exists()


@pytest.mark.parametrize("writes", range(5))
def test_a_switch_that_is_killed_is_carried_through_by_the_next(five, monkeypatch, writes):
    """Killed before each of the writes of a rollback: before the first nothing has happened, after it all has."""
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


def test_a_reader_never_sees_half_of_a_switch(five):
    """CURRENT always names a whole release, whoever looks while others promote, roll back, release and retire."""
    seen, stop = set(), threading.Event()

    def look():
        while not stop.is_set():
            version = current_version(five)
            seen.add((five / version / "saved_model.pb").is_file() and (five / version / "release.json").is_file())

    reader = threading.Thread(target=look)
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
