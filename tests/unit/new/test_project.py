"""A new project: its files, and where it installs the library from."""

import json
import stat
from importlib import metadata
from pathlib import Path

import pytest

from flightline.errors import UsageError
from flightline.new.project import LibrarySource, create_project, library_source, project_files

INDEX = LibrarySource("flightline==0.1.0")


def test_it_has_the_files_of_a_project(tmp_path):
    create_project(tmp_path / "mine", "mine", INDEX)
    made = {str(path.relative_to(tmp_path / "mine")) for path in (tmp_path / "mine").rglob("*") if path.is_file()}
    assert {
        "Makefile", "README.md", "setup.py", "pyproject.toml", "requirements.in", "requirements.lock", ".gitignore",
        ".github/workflows/ci.yaml", "runner_local.py", "runner_beam.py", "runner_kubeflow.py", "data/example.py",
        "pipeline/training.py", "models/model.py", "scripts/setup.sh", "scripts/serving.sh",
        "tests/conftest.py", "tests/test_config.py", "tests/test_pipeline.py", "tests/test_preprocessing.py",
    } <= made  # fmt: skip
    assert not [name for name in made if "flights" in name or name.endswith(".template")]
    assert (tmp_path / "mine" / "scripts" / "setup.sh").stat().st_mode & stat.S_IXUSR


def test_no_placeholder_is_left():
    for path, text in project_files("mine", INDEX).items():
        assert "@NAME@" not in text, path
        assert "@LIBRARY@" not in text, path


def test_the_wheel_of_the_library_is_copied_into_the_project(tmp_path):
    wheel = tmp_path / "flightline-0.1.0-py3-none-any.whl"
    wheel.write_bytes(b"a wheel")
    create_project(tmp_path / "mine", "mine", LibrarySource(f"./wheels/{wheel.name}", wheel))
    assert (tmp_path / "mine" / "wheels" / wheel.name).read_bytes() == b"a wheel"
    assert f"./wheels/{wheel.name}" in (tmp_path / "mine" / "requirements.in").read_text().splitlines()


def test_a_folder_that_holds_only_git_files_is_accepted(tmp_path):
    (tmp_path / ".git").mkdir()
    create_project(tmp_path, "mine", INDEX)
    assert (tmp_path / "Makefile").is_file()


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match="is not an empty folder"):
        create_project(tmp_path, "mine", INDEX)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


class Installed:
    """An installed distribution of the library, as pip records its origin."""

    version = "0.1.0"

    def __init__(self, origin):
        self.origin = origin

    def read_text(self, name):
        assert name == "direct_url.json"
        return None if self.origin is None else json.dumps(self.origin)


@pytest.fixture
def installed_from(monkeypatch):
    return lambda origin: monkeypatch.setattr(metadata, "distribution", lambda name: Installed(origin))


def test_a_library_from_an_index_is_required_by_its_version(installed_from):
    installed_from(None)
    assert library_source() == LibrarySource("flightline==0.1.0")


def test_a_library_from_a_wheel_is_required_from_the_project_s_copy(installed_from, tmp_path):
    wheel = tmp_path / "a b" / "flightline-0.1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    installed_from({"url": wheel.as_uri(), "archive_info": {}})
    assert library_source() == LibrarySource(f"./wheels/{wheel.name}", wheel)


def test_a_wheel_that_is_gone_is_required_by_its_version(installed_from):
    installed_from({"url": "file:///gone/flightline-0.1.0-py3-none-any.whl", "archive_info": {}})
    assert library_source() == LibrarySource("flightline==0.1.0")


def test_a_library_from_a_checkout_is_required_from_there():
    requirement = library_source().requirement
    assert requirement.startswith("-e ")
    assert (Path(requirement.removeprefix("-e ")) / "pyproject.toml").is_file()
