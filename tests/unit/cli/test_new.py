"""`flightline new` makes a project whose example data, config and schema fit together."""

import pytest
from typer.testing import CliRunner

from flightline.cli.main import app
from flightline.config.loader import DEFAULT_CONFIG, check_against_data, load_config


def test_the_new_project_has_a_config_that_fits_its_data(tmp_path, monkeypatch):
    result = CliRunner().invoke(app, ["new", str(tmp_path / "Churn-2")])
    assert result.exit_code == 0, result.stderr
    assert "make run" in result.stdout
    monkeypatch.chdir(tmp_path / "Churn-2")
    config = load_config(DEFAULT_CONFIG)
    assert config.name == "example"
    assert [file.name for file in check_against_data(config)] == ["customers.csv"]
    assert 'name="churn-2"' in (tmp_path / "Churn-2" / "setup.py").read_text()


def test_init_makes_its_config_the_default_of_a_new_project(tmp_path, monkeypatch):
    assert CliRunner().invoke(app, ["new", str(tmp_path / "mine")]).exit_code == 0
    monkeypatch.chdir(tmp_path / "mine")
    rows = "\n".join(f"{number},{number % 3},{number % 2}" for number in range(200))
    (tmp_path / "mine" / "table.csv").write_text(f"a,b,y\n{rows}\n")
    result = CliRunner().invoke(app, ["init", "table.csv", "--label", "y"])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.rstrip().endswith("make run")
    assert load_config(DEFAULT_CONFIG).name == "table"


def test_init_keeps_a_default_config_that_the_user_chose(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "own.yaml").write_text("name: own\n")
    settings = '[tool.flightline]\nconfig = "configs/own.yaml"\n'
    (tmp_path / "pyproject.toml").write_text(settings)
    rows = "\n".join(f"{number},{number % 3},{number % 2}" for number in range(200))
    (tmp_path / "table.csv").write_text(f"a,b,y\n{rows}\n")
    result = CliRunner().invoke(app, ["init", "table.csv", "--label", "y"])
    assert result.exit_code == 0, result.stderr
    assert result.stdout.rstrip().endswith("--config configs/table.yaml")
    assert (tmp_path / "pyproject.toml").read_text() == settings


@pytest.mark.parametrize("name", ["9lives", "a b", "-x", "ä"])
def test_an_invalid_package_name_is_refused(tmp_path, name):
    result = CliRunner().invoke(app, ["new", str(tmp_path / "mine"), "--name", name])
    assert result.exit_code == 2
    assert not (tmp_path / "mine").exists()
