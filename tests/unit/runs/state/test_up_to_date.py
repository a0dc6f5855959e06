import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flightline.config.loader import input_files, load_config
from flightline.errors import ConfigError
from flightline.releases.registry import publish_release
from flightline.releases.release import CURRENT_FILE
from flightline.reporting.html.data import REPORT_HTML
from flightline.reporting.summary import SUMMARY_JSON, Summary
from flightline.runs.state.up_to_date import RUN_KEY_FILE, compute_run_key, find_earlier_run

ROOT = Path(__file__).resolve().parents[4]
USER_MODULES = ("my_preprocessing", "my_trainer", "my_tuner", "my_scoring", "my_monitoring")


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A config with data and user code of its own; returns its path."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("a,y\n1,0\n")
    (tmp_path / "rows.pbtxt").write_text('feature { name: "a" type: INT }')
    for module in USER_MODULES:
        (tmp_path / f"{module}.py").write_text(f"x = 1  # {module}\n")
    (tmp_path / "my_dag.py").write_text("import my_evaluation  # 1\n")
    (tmp_path / "my_evaluation.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    raw = {
        "name": "rows",
        "label": "y",
        "schema": str(tmp_path / "rows.pbtxt"),
        "workspace": str(tmp_path / "ws"),
        "data": {"input": str(tmp_path / "data")},
        "user_code": {
            "preprocessing_fn": "my_preprocessing.preprocessing_fn",
            "run_fn": "my_trainer.run_fn",
            "tuner_fn": "my_tuner.tuner_fn",
            "training_pipeline": "my_dag.create_pipeline",
            "scoring_pipeline": "my_scoring.create_pipeline",
            "monitoring_pipeline": "my_monitoring.create_pipeline",
        },
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
    (folder / REPORT_HTML).write_text("report")


def test_the_same_inputs_have_the_same_key(project):
    assert key_of(project) == key_of(project)


@pytest.mark.parametrize(
    "file", ["data/rows.csv", "rows.pbtxt", "my_dag.py", *(f"{module}.py" for module in USER_MODULES)]
)
def test_an_edit_of_data_schema_or_code_changes_the_key_and_a_touch_does_not(project, file):
    before = key_of(project)
    path = project.parent / file
    path.touch()
    assert key_of(project) == before
    path.write_text(path.read_text().replace("1", "2").replace("INT", "FLOAT"))
    assert key_of(project) != before


def test_a_config_value_changes_the_key(project):
    assert key_of(project) != key_of(project, "train.epochs=9")


def test_a_module_that_does_not_exist_is_a_config_error(project):
    with pytest.raises(ConfigError, match=r"user_code\.run_fn: there is no module nowhere; .* PYTHONPATH"):
        key_of(project, "user_code.run_fn=nowhere.run_fn")


def test_a_syntax_error_in_user_code_is_a_config_error_with_file_and_line(project):
    (project.parent / "my_tuner.py").write_text("x = 1\ndef tuner_fn(:\n")
    with pytest.raises(ConfigError, match=r"my_tuner\.py, line 2: invalid syntax"):
        key_of(project)


@pytest.mark.parametrize(
    "file",
    [
        *(f"models/{name}.py" for name in ("preprocessing", "trainer", "tuner", "evaluation")),
        *(f"pipeline/{name}.py" for name in ("training", "scoring", "monitoring")),
    ],
)
def test_an_edit_of_any_file_of_this_repository_s_project_changes_the_key(tmp_path, file):
    """On a copy, in a process of its own, whose `models` and `pipeline` are those of the copy."""
    for package in ("models", "pipeline"):
        shutil.copytree(ROOT / package, tmp_path / package)
    script = (
        "import sys; sys.path[0] = sys.argv[1]\n"
        "from flightline.config.loader import DEFAULT_CONFIG, load_config\n"
        "from flightline.runs.state.up_to_date import compute_run_key\n"
        "print(compute_run_key(load_config(DEFAULT_CONFIG, ()), []))"
    )

    def key_of_copy():
        command = [sys.executable, "-c", script, str(tmp_path)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout

    before = key_of_copy()
    (tmp_path / file).write_text((tmp_path / file).read_text() + "# edited\n")
    assert key_of_copy() != before


def test_the_earlier_run_with_the_same_key_and_a_current_release_is_found(project):
    config = load_config(project)
    assert find_earlier_run(config, "k") is None
    keep_run(config, "k", "7")
    assert find_earlier_run(config, "k").summary.run_id == "run-7"
    assert find_earlier_run(config, "other") is None


def test_a_run_whose_release_was_rolled_back_is_not_found(project):
    config = load_config(project)
    keep_run(config, "k", "7")
    (config.releases / CURRENT_FILE).write_text("6")
    assert find_earlier_run(config, "k") is None


def test_a_failed_run_is_not_found(project):
    config = load_config(project)
    keep_run(config, "k", "7", exit_code=4)
    assert find_earlier_run(config, "k") is None


def test_a_run_with_a_damaged_summary_or_a_removed_release_is_not_found(project):
    config = load_config(project)
    keep_run(config, "k", "7")
    (config.releases / "7" / "saved_model.pb").unlink()
    assert find_earlier_run(config, "k") is None
    (config.run_folder("run-7") / SUMMARY_JSON).write_text("{")
    assert find_earlier_run(config, "k") is None


def test_a_run_that_was_killed_before_its_report_is_not_up_to_date(project):
    config, key = load_config(project), key_of(project)
    keep_run(config, key, "7")
    assert find_earlier_run(config, key) is not None
    (config.run_folder("run-7") / REPORT_HTML).unlink()
    assert find_earlier_run(config, key) is None
