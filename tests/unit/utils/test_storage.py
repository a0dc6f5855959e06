import os

import pytest
from apache_beam.io.filesystem import FileMetadata, MatchResult
from apache_beam.io.filesystems import FileSystems

from flightline.errors import InputError
from flightline.utils.storage import absolute_location, data_digest, find_files


def test_local_files_are_digested_by_content(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x.csv").write_text("1")
    (tmp_path / "b.csv").mkdir()
    files = find_files(str(tmp_path), "**/*.csv")
    assert [file.name for file in files] == ["a/x.csv"]
    before = data_digest(files)
    os.utime(tmp_path / "a" / "x.csv", (0, 0))
    assert data_digest(files) == before
    (tmp_path / "a" / "x.csv").write_text("2")
    assert data_digest(find_files(str(tmp_path), "**/*.csv")) != before


def test_remote_files_are_digested_by_size_and_time(monkeypatch):
    def listed(time):
        found = [FileMetadata("gs://ab/flights/2.csv", 7, time), FileMetadata("gs://ab/flights/1.csv", 9, time)]
        monkeypatch.setattr(FileSystems, "match", lambda patterns: [MatchResult(patterns[0], found)])
        return find_files("gs://ab/flights", "*.csv")

    assert [file.name for file in listed(1.0)] == ["1.csv", "2.csv"]
    assert data_digest(listed(1.0)) == data_digest(listed(1.0)) != data_digest(listed(2.0))


def test_an_unreadable_filesystem_is_an_input_error():
    with pytest.raises(InputError, match="nofs://ab/flights cannot be listed"):
        find_files("nofs://ab/flights", "*.csv")


def test_paths_are_made_absolute_and_uris_are_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute_location("data") == str(tmp_path / "data")
    assert absolute_location("gs://ab/data") == "gs://ab/data"
