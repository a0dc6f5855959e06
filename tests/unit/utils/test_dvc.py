"""What DVC tracks, by its documented layout: pointers, the listing of a folder, cache and remote. Without DVC."""

import hashlib
import json
import subprocess

import pytest
import yaml
from dvc_layout import copy_to_cache, make_dvc_project

from flightline.utils.dvc import fetch_file, file_md5, find_pointer, folder_listing, tracked_md5s
from flightline.utils.hashing import file_digest
from flightline.utils.storage import find_files
from scripts.repository import REPOSITORY


@pytest.fixture
def folder(tmp_path):
    """A project of DVC's that tracks the folder `data/months`, and `data/alone.csv`; its cache is empty."""
    return make_dvc_project(tmp_path, {"months/01.csv": "a\n1\n", "months/02.csv": "a\n2\n", "alone.csv": "b\n"})


def digests(folder, glob="**/*.csv"):
    return {file.name: file_md5(folder / "data" / file.name) for file in find_files(str(folder / "data"), glob)}


def test_the_pointer_of_the_flights_data_is_up_to_date(flights_year):
    """`make data` comes to the content that was tracked: without DVC, what the commit names can be made."""
    [out] = yaml.safe_load((REPOSITORY / "data" / "flights.dvc").read_text())["outs"]
    listing = folder_listing(flights_year)
    assert out["md5"] == hashlib.md5(listing).hexdigest() + ".dir"
    assert out["nfiles"] == len(json.loads(listing))
    assert out["size"] == sum(path.stat().st_size for path in flights_year.rglob("*") if path.is_file())


def test_the_committed_dvc_settings_name_no_host_and_no_local_path():
    text = (REPOSITORY / ".dvc" / "config").read_text()
    assert "analytics = false" in text
    assert "://" not in text
    assert not any(line.partition("=")[2].strip().startswith(("/", "~")) for line in text.splitlines())


def test_tracked_files_have_md5s_with_or_without_a_cache(folder):
    files = find_files(str(folder / "data"), "**/*.csv")
    assert tracked_md5s(files) == digests(folder)
    copy_to_cache(folder / ".dvc" / "cache", folder)
    assert tracked_md5s(files) == digests(folder)


@pytest.mark.parametrize("cached", [True, False])
def test_an_edited_file_is_not_tracked(folder, cached):
    if cached:
        copy_to_cache(folder / ".dvc" / "cache", folder)
    (folder / "data" / "months" / "01.csv").write_text("a\n9\n")
    (folder / "data" / "alone.csv").write_text("c\n")
    # Without the list of what was tracked, nothing of a folder is known any more.
    expected = digests(folder, "months/02.csv") if cached else {}
    assert tracked_md5s(find_files(str(folder / "data"), "**/*.csv")) == expected


def test_a_linked_folder_is_tracked_where_the_link_is(folder):
    elsewhere = folder.parent / f"{folder.name}-elsewhere"
    (folder / "data" / "months").rename(elsewhere)
    (folder / "data" / "months").symlink_to(elsewhere)
    assert len(tracked_md5s(find_files(str(folder / "data" / "months"), "*.csv"))) == 2


def test_untracked_files_have_no_md5(folder, tmp_path_factory):
    (folder / "data" / "new.csv").write_text("x\n")
    assert find_pointer(folder / "data" / "new.csv") is None
    outside = tmp_path_factory.mktemp("outside")
    (outside / "a.csv").write_text("x\n")
    (outside / "a.csv.dvc").write_text("outs: []\n")
    assert tracked_md5s(find_files(str(outside), "*.csv")) == {}


@pytest.mark.parametrize("text", ["", "outs: []", "outs:\n- md5: ../../x\n  path: alone.csv", "stages: {}", "{", "[]"])
def test_an_invalid_pointer_is_ignored(folder, text):
    (folder / "data" / "alone.csv.dvc").write_text(text)
    assert find_pointer(folder / "data" / "alone.csv") is None


@pytest.mark.parametrize("place", [".dvc/cache", ".cache/dvc-remote", "elsewhere"])
def test_content_is_found_in_the_cache_and_in_local_remotes(folder, place):
    if place == "elsewhere":
        (folder / ".dvc" / "config.local").write_text("[cache]\n    dir = ../elsewhere\n")
    path = folder / "data" / "months" / "01.csv"
    copy_to_cache(folder / place, folder)
    md5, sha256 = file_md5(path), file_digest(path)
    path.unlink()
    found = fetch_file(path, md5, sha256, None, folder / "into")
    assert found is not None
    assert found.read_text() == "a\n1\n"
    assert folder / place in found.resolve().parents


def test_content_with_another_digest_is_not_used(folder):
    path = folder / "data" / "alone.csv"
    md5, sha256 = file_md5(path), file_digest(path)
    copy_to_cache(folder / ".dvc" / "cache", folder)
    kept = folder / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    kept.write_text("damaged")
    assert fetch_file(path, md5, sha256, None, folder / "into") is None
    copy_to_cache(folder / ".cache" / "dvc-remote", folder)
    assert fetch_file(path, md5, sha256, None, folder / "into") is not None
    assert fetch_file(path, "../" * 10 + "etc/passwd", sha256, None, folder / "into") is None


def test_git_tracks_no_data(tmp_path):
    told = subprocess.run(["git", "ls-files", "data"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert set(told.stdout.split()) <= {"data/flights.dvc", "data/flights.py", "data/__init__.py"}
