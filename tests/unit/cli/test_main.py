import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import typer
import yaml
from run_store import RunRecorder
from typer.testing import CliRunner

from flightline.cli.main import app
from flightline.executors.data_gate.findings import Finding, findings_to_json
from flightline.releases.registry import publish_release
from flightline.utils.file_lock import IN_USE_LOCK, hold_lock

HEAVY = ("tensorflow", "tfx", "apache_beam", "keras", "tensorflow_model_analysis", "mlflow")


@pytest.fixture
def config(tmp_path):
    raw = {"name": "flights", "label": "y", "schema": "s", "workspace": str(tmp_path / "ws"), "data": {"input": "data"}}
    (tmp_path / "flights.yaml").write_text(yaml.safe_dump(raw))
    (tmp_path / "ws").mkdir()
    return tmp_path / "flights.yaml"


def invoke(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_runs_prints_a_table_or_json(config, tmp_path):
    RunRecorder(tmp_path / "ws" / "metadata.db").run("a", {"ExampleGen": {"state": "FAILED"}})
    assert "failed" in invoke("runs", "--config", config).stdout
    [entry] = json.loads(invoke("runs", "--config", config, "--json").stdout)
    assert entry["run"] == "a"
    assert entry["steps"] == {"ExampleGen": "FAILED"}


@pytest.fixture
def two_pipelines(config, tmp_path):
    """Runs `a` of flights and then `b` of bikes in one workspace; the config of flights."""
    for run_id, pipeline in (("a", "flights"), ("b", "bikes")):
        read = {"ExampleGen": {"state": "COMPLETE", "outputs": {"examples": {}}}}
        RunRecorder(tmp_path / "ws" / "metadata.db", pipeline).run(run_id, read)
    return config


def test_runs_lists_the_config_s_pipeline_or_all_pipelines(two_pipelines):
    [entry] = json.loads(invoke("runs", "--config", two_pipelines, "--json").stdout)
    assert entry["run"] == "a"
    listed = invoke("runs", "--all", "--config", two_pipelines).stdout.splitlines()
    assert [line.split()[:2] for line in listed] == [["run", "pipeline"], ["b", "bikes"], ["a", "flights"]]


def test_limit_keeps_the_newest_runs(two_pipelines):
    [entry] = json.loads(invoke("runs", "--all", "--limit", "1", "--config", two_pipelines, "--json").stdout)
    assert entry["run"] == "b"


def test_set_overrides_the_config_of_a_listing(two_pipelines):
    [entry] = json.loads(invoke("runs", "--config", two_pipelines, "--set", "name=bikes", "--json").stdout)
    assert entry["run"] == "b"


def test_runs_without_any_run_explains_how_to_list_other_pipelines(tmp_path, config):
    RunRecorder(tmp_path / "ws" / "metadata.db", "bikes").run("b", {})
    listed = invoke("runs", "--config", config)
    assert listed.stdout.startswith("there are no runs of flights yet; --all lists")


@pytest.mark.parametrize("command", ["show", "why", "report", "diff a"])
def test_latest_names_the_newest_run_of_the_config_s_pipeline(two_pipelines, command):
    result = invoke(*command.split(), "latest", "--config", two_pipelines, "--json")
    printed = json.loads(result.stdout)
    assert (printed.get("run") or printed["now"]) == "a"
    assert result.stderr == ""


@pytest.mark.parametrize("command", ["why b", "diff a b", "lineage run:b", "show b"])
def test_output_about_a_run_of_another_pipeline_names_that_pipeline(two_pipelines, command):
    result = invoke(*command.split(), "--config", two_pipelines)
    assert "bikes" in result.output


@pytest.mark.parametrize(
    "command", ["schema propose b", "schema accept b --reason new", "reproduce b", "track b", "report b --refresh"]
)
def test_commands_that_use_the_config_refuse_a_run_of_another_pipeline(two_pipelines, tmp_path, command):
    result = invoke(*command.split(), "--config", two_pipelines)
    assert result.exit_code == 2
    assert "run b belongs to the pipeline bikes, not to flights" in result.stderr
    assert not (tmp_path / "ws" / "reproduced").exists()


def test_why_prints_the_gate_findings_as_sentences(config, tmp_path):
    found = [Finding("channel", "ENUM", "holds kiosk", 201), Finding("price", "K", "is far", 3, blocks=False)]
    blocked = {"state": "FAILED", "code": 3, "message": findings_to_json(found)}
    RunRecorder(tmp_path / "ws" / "metadata.db").run("a", {"DataGate": blocked})
    result = invoke("why", "--config", config)
    assert "Finding(" not in result.stdout
    assert '"feature"' not in result.stdout
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "channel holds kiosk 201" in lines
    assert "price is far (warning) 3" in lines
    assert "DataGate failed the data gate stopped the run: channel: holds kiosk" in lines


def test_show_reports_a_run_without_a_summary(config, tmp_path):
    RunRecorder(tmp_path / "ws" / "metadata.db").run("a", {"ExampleGen": {"state": "RUNNING"}})
    shown = invoke("show", "--config", config)
    assert shown.exit_code == 0
    assert "left no summary" in shown.stdout


def test_a_killed_run_is_listed_as_killed_with_advice_to_resume(config, tmp_path):
    RunRecorder(tmp_path / "ws" / "metadata.db").run("a", {"ExampleGen": {"state": "RUNNING"}})
    (tmp_path / "ws" / "runs" / "a").mkdir(parents=True)
    shown = invoke("show", "--config", config).stdout
    assert "run a of flights, killed" in shown
    assert "--resume continues" in shown
    assert "killed" in invoke("runs", "--config", config).stdout
    with hold_lock(tmp_path / "ws", "flights", "a run"):
        RunRecorder(tmp_path / "ws" / "metadata.db").run("b", {"ExampleGen": {"state": "RUNNING"}})
        (tmp_path / "ws" / "runs" / "b").mkdir()
        listed = invoke("runs", "--config", config).stdout
    assert [line.split()[4] for line in listed.splitlines()[1:]] == ["running", "killed"]


@pytest.mark.parametrize(
    ("pipeline", "place", "name"), [("flights", "", "flights"), ("flights-scoring", "runs/a", IN_USE_LOCK)]
)
def test_show_reports_a_running_run_with_its_process(config, tmp_path, pipeline, place, name):
    with hold_lock(tmp_path / "ws" / place, name, "a run"):
        RunRecorder(tmp_path / "ws" / "metadata.db", pipeline).run("a", {"ExampleGen": {"state": "RUNNING"}})
        shown = invoke("show", "a", "--config", config)
    assert "under way (a run of process" in shown.stdout
    assert "ended from outside" not in shown.stdout


def test_a_killed_run_is_not_shown_as_running_while_another_run_holds_the_lock(config, tmp_path):
    RunRecorder(tmp_path / "ws" / "metadata.db").run("a", {"ExampleGen": {"state": "RUNNING"}})
    with hold_lock(tmp_path / "ws", "flights", "a run"):
        assert "ended from outside" in invoke("show", "a", "--config", config).stdout


def test_a_corrupt_summary_is_an_error_without_a_traceback(config, tmp_path):
    RunRecorder(tmp_path / "ws" / "metadata.db").run("a", {})
    folder = tmp_path / "ws" / "runs" / "a"
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text('{"run_id": "a"}')
    shown = invoke("show", "a", "--config", config)
    assert shown.exit_code == 2
    assert "is not a run's summary" in shown.stderr


def test_report_is_written_when_missing_outdated_or_requested(config, tmp_path):
    RunRecorder(tmp_path / "ws" / "metadata.db").run("a", {"ExampleGen": {"state": "FAILED", "message": "no rows"}})
    page = tmp_path / "ws" / "runs" / "a" / "report.html"
    assert invoke("report", "--config", config).stdout.strip() == str(page)
    assert "no rows" in page.read_text()
    page.write_text("old")
    os.utime(page, (time.time() + 3600,) * 2)
    printed = json.loads(invoke("report", "a", "--json", "--config", config).stdout)
    assert printed == {"run": "a", "report": str(page), "data": str(page.with_name("report.json"))}
    assert page.read_text() == "old"
    assert invoke("report", "a", "--refresh", "--config", config).exit_code == 0
    assert page.read_text() != "old"
    page.write_text("made when the run was under way")
    os.utime(page, (1, 1))
    invoke("report", "a", "--config", config)
    assert "under way" not in page.read_text()
    assert invoke("report", "b", "--config", config).exit_code == 2


def test_releases_lists_versions_and_the_current_one(config, tmp_path):
    assert "no model has been released yet" in invoke("releases", "--config", config).stdout
    folder = tmp_path / "ws" / "releases" / "flights" / "7"
    folder.mkdir(parents=True)
    publish_release(folder, {"run": "a", "metrics": {"auc": 0.9}})
    [entry] = json.loads(invoke("releases", "--config", config, "--json").stdout)
    assert (entry["version"], entry["current"], entry["run"]) == ("7", True, "a")
    assert "0.9000" in invoke("releases", "--config", config).stdout


def test_runs_without_a_metadata_store_says_what_to_do(config):
    result = invoke("runs", "--config", config)
    assert result.exit_code == 2
    assert "make run" in result.stderr


@pytest.mark.parametrize(
    "module",
    [
        "flightline.cli.main",
        "flightline.cli.runner",
        "flightline.runs.launch",
        "flightline.config.loader",
        "flightline.reporting.html.write_report",
    ],
)
def test_help_and_listings_do_not_import_tensorflow(module):
    script = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    root = Path(__file__).resolve().parents[3]
    ended = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


LISTINGS = ("runs", "show", "report", "why", "diff", "lineage", "releases", "audit", "doctor", "schema propose", "gc")


@pytest.fixture(scope="module")
def commands():
    """Name → click command; subcommands have the name of their group too, such as `schema propose`."""
    found = {}
    for name, command in typer.main.get_command(app).commands.items():
        inside = getattr(command, "commands", None)
        found |= {f"{name} {n}": c for n, c in inside.items()} if inside else {name: command}
    return found


def test_every_command_takes_the_config_and_its_overrides(commands):
    for name, command in commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        if name not in ("new", "init"):  # there is no config yet
            assert {"--config", "--set"} <= options, name


def test_every_listing_takes_json(commands):
    for name in LISTINGS:
        assert "--json" in {option for parameter in commands[name].params for option in parameter.opts}, name


def test_every_command_and_option_is_described(commands):
    for name, command in commands.items():
        assert command.help, name
        assert [p.name for p in command.params if not getattr(p, "help", None) and p.name != "help"] == [], name


def test_help_groups_the_commands_by_purpose():
    shown = invoke("--help").stdout
    titles = ["Set up", "Inspect runs", "Manage releases", "Serve and monitor", "Audit and reproduce", "Maintain"]
    places = [shown.index(f" {title} ") for title in titles]
    assert places == sorted(places)
