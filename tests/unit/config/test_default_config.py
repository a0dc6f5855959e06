"""Which config a command reads when none is named."""

from pathlib import Path

import pytest

from flightline.config.default_config import resolve_config
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.errors import ConfigError

MINIMAL = "name: {}\nlabel: y\nschema: s\ndata: {{input: d}}\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder, as the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_configs(folder, *names):
    (folder / "configs").mkdir(exist_ok=True)
    for name in names:
        (folder / "configs" / f"{name}.yaml").write_text(MINIMAL.format(name))


def test_a_named_config_is_used(folder):
    assert resolve_config(Path("elsewhere/a.yaml")) == Path("elsewhere/a.yaml")


def test_the_only_config_is_the_default(folder):
    write_configs(folder, "a")
    assert load_config(DEFAULT_CONFIG).name == "a"


def test_pyproject_chooses_among_several(folder):
    write_configs(folder, "a", "b")
    (folder / "pyproject.toml").write_text('[tool.flightline]\nconfig = "configs/b.yaml"\n')
    assert load_config(DEFAULT_CONFIG).name == "b"


def test_several_configs_without_a_choice_are_listed(folder):
    write_configs(folder, "a", "b")
    (folder / "pyproject.toml").write_text("[tool.ruff]\n")
    with pytest.raises(ConfigError, match=r"several configs: configs/a\.yaml, configs/b\.yaml"):
        load_config(DEFAULT_CONFIG)


def test_outside_a_project_the_error_names_the_working_directory(folder):
    with pytest.raises(ConfigError, match=f"there is no folder configs in {folder}"):
        load_config(DEFAULT_CONFIG)


def test_the_error_in_an_empty_folder_suggests_init(folder):
    write_configs(folder)
    with pytest.raises(ConfigError, match="the folder configs has no config") as error:
        load_config(DEFAULT_CONFIG)
    assert "flightline init" in str(error.value.fix)


@pytest.mark.parametrize(
    ("text", "message"), [("[tool", "is not TOML"), ("[tool.flightline]\nconfig = 3\n", "is 3, not a path")]
)
def test_a_pyproject_that_cannot_be_read_is_an_error(folder, text, message):
    write_configs(folder, "a")
    (folder / "pyproject.toml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        load_config(DEFAULT_CONFIG)


def test_the_default_config_of_this_repository_is_the_flights():
    assert load_config(DEFAULT_CONFIG).name == "flights"
