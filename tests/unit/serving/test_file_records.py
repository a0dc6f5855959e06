import os

import pytest

from flightline.serving.file_records import find_damage, find_release_damage, record_files
from flightline.serving.release import InvalidRelease, load_release


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "carrier").write_text("AA\nUA\n")
    (tmp_path / "saved_model.pb").write_bytes(b"model")
    (tmp_path / ".hidden").write_text("not recorded")
    return tmp_path


def test_an_unchanged_folder_has_no_damage(folder):
    recorded = record_files(folder)
    assert set(recorded) == {"assets/carrier", "saved_model.pb"}
    assert recorded["saved_model.pb"]["size"] == 5
    assert find_damage(folder, recorded) == []


def test_every_kind_of_damage_names_the_file(folder):
    recorded = record_files(folder)
    (folder / "saved_model.pb").unlink()
    (folder / "assets" / "carrier").write_text("AA\n")
    (folder / "assets" / "more").write_text("x")
    assert find_damage(folder, recorded) == [
        "saved_model.pb is missing",
        "assets/carrier has 3 bytes, recorded were 6",
        "assets/more was added",
    ]


def test_a_change_that_keeps_size_and_time_is_found_by_content_alone(folder):
    recorded = record_files(folder)
    vocabulary = folder / "assets" / "carrier"
    before = vocabulary.stat()
    vocabulary.write_text("UA\nAA\n")
    os.utime(vocabulary, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert find_damage(folder, recorded, digests=False) == []
    assert find_damage(folder, recorded) == ["assets/carrier has another content than recorded"]


def test_a_release_without_a_record_is_not_called_well(folder):
    for invalid in ({}, {"files": None}, {"files": {"saved_model.pb": "x"}}):
        assert "no valid record" in find_release_damage(folder, invalid)[0]


def test_the_server_refuses_a_release_before_it_loads_the_model(folder):
    (folder / "release.json").write_text('{"inputs": [{"name": "x", "type": "int", "required": true}], "files": {}}')
    with pytest.raises(InvalidRelease, match="is damaged: assets/carrier was added"):
        load_release(folder)
