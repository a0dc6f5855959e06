import pytest
import yaml

from flightline.config.loader import input_files, load_config
from flightline.errors import ConfigError
from flightline.releases.registry import CURRENT_FILE, publish_release
from flightline.reporting.summary import SUMMARY_JSON, Summary
from flightline.runs.state.up_to_date import RUN_KEY_FILE, compute_run_key, find_earlier_run


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A config with data and user code of its own; returns its path."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("a,y\n1,0\n")
    (tmp_path / "rows.pbtxt").write_text('feature { name: "a" type: INT }')
    (tmp_path / "mycode.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    raw = {
        "name": "rows",
        "label": "y",
        "schema": str(tmp_path / "rows.pbtxt"),
        "workspace": str(tmp_path / "ws"),
        "data": {"input": str(tmp_path / "data")},
        "user_code": {"preprocessing_fn": "mycode.preprocessing_fn"},
    }
    (tmp_path / "rows.yaml").write_text(yaml.safe_dump(raw))
    return tmp_path / "rows.yaml"


def key_of(project, *overrides):
    config = load_config(project, overrides)
    return compute_run_key(config, input_files(config))


def keep_run(config, key, version, exit_code=0):
    """A run that released `version`, as it is left behind."""
    pushed = config.releases.resolve() / version
    pushed.mkdir(parents=True)
    (pushed / "saved_model.pb").write_text("model")
    publish_release(pushed, {})
    folder = config.run_folder(f"run-{version}")
    folder.mkdir(parents=True)
    (folder / RUN_KEY_FILE).write_text(key)
    summary = Summary(f"run-{version}", "rows", exit_code, "", {}, None, None, [], None, str(pushed))
    summary.write(folder)


def test_the_same_is_the_same(project):
    assert key_of(project) == key_of(project)


@pytest.mark.parametrize("file", ["data/rows.csv", "rows.pbtxt", "mycode.py"])
def test_a_byte_of_data_schema_or_code_is_a_change_and_a_touch_is_none(project, file):
    before = key_of(project)
    path = project.parent / file
    path.touch()
    assert key_of(project) == before
    path.write_text(path.read_text().replace("1", "2").replace("INT", "FLOAT"))
    assert key_of(project) != before


def test_a_value_of_the_config_is_a_change(project):
    assert key_of(project) != key_of(project, "train.epochs=9")


def test_user_code_that_is_not_there(project):
    with pytest.raises(ConfigError, match="user_code: there is no module nowhere"):
        key_of(project, "user_code.run_fn=nowhere.run_fn")


def test_an_earlier_run_of_the_key_whose_release_is_current(project):
    config = load_config(project)
    assert find_earlier_run(config, "k") is None
    keep_run(config, "k", "7")
    assert find_earlier_run(config, "k").summary.run_id == "run-7"
    assert find_earlier_run(config, "other") is None


def test_after_a_rollback_there_is_something_to_do(project):
    config = load_config(project)
    keep_run(config, "k", "7")
    (config.releases / CURRENT_FILE).write_text("6")
    assert find_earlier_run(config, "k") is None


def test_a_run_that_failed_is_run_again(project):
    config = load_config(project)
    keep_run(config, "k", "7", exit_code=4)
    assert find_earlier_run(config, "k") is None


def test_a_harmed_summary_or_a_release_that_is_gone_is_no_reason_to_rest(project):
    config = load_config(project)
    keep_run(config, "k", "7")
    (config.releases / "7" / "saved_model.pb").unlink()
    assert find_earlier_run(config, "k") is None
    (config.run_folder("run-7") / SUMMARY_JSON).write_text("{")
    assert find_earlier_run(config, "k") is None
