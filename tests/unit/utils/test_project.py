"""The project's folder is found from the working directory; the library's from where it is installed."""

import flightline
from flightline.utils.hashing import file_digest, lock_digest
from flightline.utils.project import library_parent, lock_file, project_folder


def test_the_lock_marks_the_project_from_any_folder_below_it(tmp_path, monkeypatch):
    (tmp_path / "requirements.lock").write_text("tfx==1\n")
    below = tmp_path / "notebooks" / "old"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert project_folder() == tmp_path
    assert lock_file() == tmp_path / "requirements.lock"
    assert lock_digest() == file_digest(tmp_path / "requirements.lock")


def test_setup_py_and_pipeline_mark_a_project_without_a_lock(tmp_path, monkeypatch):
    (tmp_path / "setup.py").touch()
    (tmp_path / "pipeline").mkdir()
    monkeypatch.chdir(tmp_path / "pipeline")
    assert project_folder() == tmp_path
    assert lock_digest() is None


def test_the_nearest_project_wins(tmp_path, monkeypatch):
    (tmp_path / "requirements.lock").touch()
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "requirements.lock").touch()
    monkeypatch.chdir(inner)
    assert project_folder() == inner


def test_outside_a_project_it_is_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_folder() == tmp_path


def test_the_library_lies_below_its_parent():
    assert (library_parent() / "flightline" / "__init__.py").samefile(flightline.__file__)
