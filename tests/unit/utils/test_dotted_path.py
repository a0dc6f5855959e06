"""Functions that the config names by their dotted paths."""

import pytest

from flightline.errors import ConfigError
from flightline.utils.dotted_path import load_function

KEY = "user_code.training_pipeline"


@pytest.fixture
def module(tmp_path, monkeypatch):
    """`module(name, text)` writes an importable module."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name, text):
        path = tmp_path.joinpath(*name.split(".")).with_suffix(".py")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    return write


def test_a_function_is_loaded(module):
    module("dotted_path_dag.flights", "def create_pipeline(): return 7")
    assert load_function(KEY, "dotted_path_dag.flights.create_pipeline")() == 7


@pytest.mark.parametrize("path", ["no_such_package.training.create_pipeline", "flightline.no_such_module.create"])
def test_a_module_that_does_not_exist_is_a_config_error(path):
    with pytest.raises(ConfigError, match=rf"{KEY}: there is no module {path.rpartition('.')[0]}; name an importable"):
        load_function(KEY, path)


def test_a_missing_function_is_a_config_error_with_a_suggestion(module):
    module("dotted_path_typo", "def create_pipeline(): ...")
    with pytest.raises(ConfigError, match="has no function create_pipelin; did you mean create_pipeline"):
        load_function(KEY, "dotted_path_typo.create_pipelin")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("dotted_path_import", "import no_such_library", "No module named 'no_such_library'"),
        ("dotted_path_syntax", "def create_pipeline(:", "SyntaxError"),
        ("dotted_path_bug", "undefined_name", "name 'undefined_name' is not defined"),
    ],
)
def test_a_module_that_fails_on_import_is_a_config_error(module, name, text, problem):
    module(name, text)
    with pytest.raises(ConfigError, match=f"importing {name} failed: .*{problem}.*; fix that module"):
        load_function(KEY, f"{name}.create_pipeline")


def test_a_full_disk_during_an_import_is_not_blamed_on_the_module(module):
    module("dotted_path_disk", "raise OSError(28, 'No space left on device')")
    with pytest.raises(OSError, match="No space left"):
        load_function(KEY, "dotted_path_disk.create_pipeline")
