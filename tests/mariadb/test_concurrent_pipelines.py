"""Two pipelines that write to one MariaDB at once, beside one with a SQLite of its own: the same content, all whole."""

import json
import subprocess
import sys
import time

import pytest
from fake_production import START_S, FakeProduction, labelled_flights, plausible_probabilities
from kill_and_resume import content_digests
from pipeline_runs import ROOT, run_pipeline

from flightline.config.loader import load_config
from flightline.errors import AlertFiring, UsageError
from flightline.metadata.mysql import named_lock
from flightline.metadata.runs import Runs
from flightline.releases import audit_log
from flightline.releases.release import read_releases
from flightline.runs.state.lock import pipeline_lock
from flightline.runs.state.run_folder import create_run_folder
from flightline.utils.file_lock import LockHeld


def flightline(result, *words, timeout=300):
    """The command on a run's own config, which names the server."""
    command = [sys.executable, "-c", "from flightline.cli.main import main; main()", *words]
    config = ["--config", str(result.folder / "config.yaml")]
    return subprocess.run([*command, *config], cwd=ROOT, capture_output=True, text=True, timeout=timeout, check=False)


def test_concurrent_runs_are_complete_and_equal_a_run_with_sqlite(pair, local):
    for result in (pair.one, pair.other):
        assert result.code == 0, result.err
        assert {step.state for step in result.steps.values()} == {"COMPLETE"}
        assert content_digests(result) == content_digests(local)
        assert not (result.workspace / "metadata.db").exists()
        assert result.summary["rows"] == local.summary["rows"]


def test_each_pipeline_sees_its_own_runs_and_releases_only(pair):
    for result in (pair.one, pair.other):
        listed = flightline(result, "runs", "--json")
        assert [run["run"] for run in json.loads(listed.stdout)] == [result.run_id], listed.stderr
        config = load_config(result.folder / "config.yaml")
        assert [one.current for one in read_releases(config.releases)] == [True]
        assert Runs.open(config).get("latest").run_id == result.run_id
        other = pair.other if result is pair.one else pair.one
        index = (result.workspace / "index.html").read_text()
        assert f"runs/{result.run_id}/" in index
        assert f"runs/{other.run_id}/" not in index


@pytest.mark.parametrize(
    "words",
    [
        ("show", "latest"),
        ("lineage", "release:current"),
        ("why", "latest"),
        ("diff", "flights", "latest"),
        ("report", "latest", "--refresh"),
        ("releases",),
        ("gc", "--keep", "1"),
        ("audit", "--verify"),
        ("doctor",),
    ],
    ids=lambda words: words[0],
)
def test_every_reading_command_succeeds(pair, words):
    told = flightline(pair.one, *words)
    assert told.returncode == 0, told.stderr
    assert told.stdout.strip()
    assert not told.stderr.strip()


def test_an_unchanged_run_is_skipped_and_unchanged_steps_are_cached(pair, month):
    config = ("--config", str(pair.one.folder / "config.yaml"))
    again = run_pipeline(pair.one.workspace, month, None, *config, settings=())
    assert again.code == 0, again.err
    assert "Nothing has changed since run flights" in again.out
    cached = run_pipeline(pair.one.workspace, month, "cached", *config, "--to", "Transform", settings=())
    assert cached.code == 0, cached.err
    assert {step.state for step in cached.steps.values()} == {"CACHED"}
    assert cached.steps.keys() >= {"ExampleGen", "StatisticsGen", "DataGate", "Transform"}
    beyond = {"Champion"}  # comes after Transform: not of this run, but TFX puts on record what it would reuse
    assert cached.out.count("from flights: nothing it depends on has changed") == len(cached.steps.keys() - beyond) == 6


def test_files_are_scored_and_the_run_is_done_again(pair, month, tmp_path):
    scored = flightline(pair.one, "score", "--input", str(month), "--output", str(tmp_path / "scored"))
    assert scored.returncode == 0, scored.stderr
    assert "predicted" in scored.stdout
    again = flightline(pair.one, "reproduce", "flights", "--json", timeout=600)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["matches"]


def test_served_predictions_are_monitored(pair, month, tmp_path):
    def command(arguments, out, err):
        with out.open("w") as told, err.open("w") as wrong:
            return subprocess.run(
                [sys.executable, *arguments], cwd=ROOT, stdout=told, stderr=wrong, check=False
            ).returncode

    production = FakeProduction(pair.one, command, tmp_path)
    rows, labels = labelled_flights(pair.one, sorted(month.glob("*/*.csv")), 300)
    production.answer("calm", rows, plausible_probabilities(rows), at=0)
    production.send_feedback("calm", labels)
    ended = production.monitor("calm", time.time() - START_S + 1)
    assert ended.code in (0, AlertFiring.exit_code), ended.err  # June alone, beside a model of June: either may be
    assert production.measures("calm")["performance:AUC"]["rows"] == len(rows)
    monitored = Runs.open(production.config).get("calm")
    assert monitored.pipeline == "flights-monitoring"
    assert {step.state for step in monitored.steps.values()} <= {"COMPLETE", "CACHED"}


def test_two_runs_of_one_pipeline_cannot_run_at_once_in_any_workspace(pair, server, tmp_path):
    config = load_config(pair.one.folder / "config.yaml")
    elsewhere = config.model_copy(update={"workspace": tmp_path / "elsewhere"})
    refused = pytest.raises(LockHeld, match=r"is already running with the metadata store.*from 127\.0\.0\.1")
    with pipeline_lock(config, "a run"), refused:
        pipeline_lock(elsewhere, "a run").__enter__()
    with named_lock(config.metadata, "flights-other"), pipeline_lock(elsewhere, "a run"):
        pass  # another pipeline is nobody's business


def test_a_run_name_belongs_to_one_pipeline(pair, tmp_path):
    """TFX would put the steps of both into one run."""
    config = load_config(pair.other.folder / "config.yaml")
    elsewhere = config.model_copy(update={"workspace": tmp_path / "elsewhere"})
    with pytest.raises(UsageError, match="the run flights already exists"):
        create_run_folder(elsewhere, pair.one.run_id)
    assert list((tmp_path / "elsewhere" / "runs").iterdir()) == []


def test_the_password_is_nowhere(pair, server):
    """In no file, on no screen, in no command line, in no row of the database."""
    secret = server.password.encode()
    files = [path for result in (pair.one, pair.other) for path in result.workspace.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert [str(path) for path in files if secret in path.read_bytes()] == []
    assert [path for path in files if b"FLIGHTLINE_METADATA_PASSWORD" in path.read_bytes()]  # its name is kept
    for text in (pair.one.out, pair.one.err, pair.other.out, pair.other.err, pair.seen):
        assert server.password not in text
    assert "flights-other" in pair.seen  # the command lines of the runs were seen
    for table in ("ArtifactProperty", "ExecutionProperty", "ContextProperty"):
        rows = server.sql(f"SELECT COUNT(*), SUM(string_value LIKE '%{server.password}%') FROM {pair.database}.{table}")
        assert rows[0][0] > 10
        assert not rows[0][1]


def test_the_audit_log_lists_both_releases(pair):
    for result in (pair.one, pair.other):
        assert "pushed" in [entry.event for entry in audit_log.verify(result.workspace)]
