import pytest

from pipeline.releases import CURRENT, current_version, release, releases, write_whole


def push(folder, version):
    pushed = folder / version
    pushed.mkdir(parents=True)
    (pushed / "saved_model.pb").write_text("model")
    return pushed


def test_a_release_becomes_current(tmp_path):
    release(push(tmp_path, "100"), {"run": "a"})
    release(push(tmp_path, "200"), {"run": "b"})
    assert current_version(tmp_path) == "200"
    assert [(r.version, r.current, r.about["run"]) for r in releases(tmp_path)] == [
        ("200", True, "b"),
        ("100", False, "a"),
    ]


def test_versions_are_ordered_as_numbers(tmp_path):
    for version in ("9", "10"):
        release(push(tmp_path, version), {})
    assert [r.version for r in releases(tmp_path)] == ["10", "9"]


def test_a_push_that_was_never_finished_is_no_release(tmp_path):
    release(push(tmp_path, "100"), {})
    push(tmp_path, "200")  # the run ended before it was made current
    assert [r.version for r in releases(tmp_path)] == ["100"]
    assert current_version(tmp_path) == "100"


def test_nothing_released_yet(tmp_path):
    assert releases(tmp_path / "absent") == []
    assert current_version(tmp_path) is None


def test_a_write_that_fails_leaves_the_old_content(tmp_path):
    (tmp_path / CURRENT).write_text("100\n")
    with pytest.raises(UnicodeEncodeError):
        write_whole(tmp_path / CURRENT, "\udcff")
    assert current_version(tmp_path) == "100"
