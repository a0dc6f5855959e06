"""`flightline gc` on real runs: what it removes, what still answers, and that nothing removed is given to a run."""

import json
import shutil
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.errors import UsageError
from flightline.metadata.artifact_files import load_statistics
from flightline.metadata.runs import Runs
from flightline.releases import audit_log

OLD = ("--set", "data.splits={train: 1, eval: 1}", "--to", "DataGate")


@pytest.fixture(scope="module")
def collected(run, command, flights_sample, tmp_path_factory):
    """Three runs that read the same files, the second splits them differently. The last is kept, and with it what it
    took from the first."""
    folder = tmp_path_factory.mktemp("collected")
    shutil.copytree(flights_sample / "span-06", folder / "data" / "span-06")
    for name, options in (("base", OLD[2:]), ("old", OLD), ("new", OLD[2:])):
        ended = run(folder / "workspace", folder / "data", name, *options)
        assert ended.code == 0, ended.err
    listed = command(folder / "workspace", "gc", "--keep", "1", "--dry-run", "--json")
    before = {step.node: step.outputs for step in steps(folder, "old").values()}
    told = command(folder / "workspace", "gc", "--keep", "1", "--json")
    assert told.returncode == 0, told.stderr
    return folder, json.loads(listed.stdout), json.loads(told.stdout), before


def steps(folder, run_id):
    return Runs.open(folder / "workspace" / "metadata.db").get(run_id).steps


def artifacts(outputs):
    return [artifact for found in outputs.values() for artifact in found]


def test_artifacts_of_the_old_run_are_removed_except_those_that_the_kept_run_uses(collected):
    folder, listed, told, before = collected
    assert listed == {**told, "dry_run": True}
    shared = {a.id for step in steps(folder, "new").values() for a in artifacts(step.outputs)}
    assert {a["id"] for a in told["artifacts"]} == {a.id for o in before.values() for a in artifacts(o)} - shared
    assert {"Examples", "ExampleStatistics"} <= {a["type"] for a in told["artifacts"]}
    assert told["runs"] == ["old"]
    assert sorted(path.name for path in (folder / "workspace" / "runs").iterdir()) == ["base", "new"]
    for node, step in steps(folder, "new").items():
        for artifact in artifacts(step.outputs):
            assert artifact.state == pb.Artifact.LIVE, node
            assert Path(artifact.uri).exists(), node
    for artifact in artifacts(steps(folder, "old")["ExampleGen"].outputs):
        assert artifact.state == pb.Artifact.DELETED
        assert not Path(artifact.uri).exists()
    assert [e.event for e in audit_log.verify(folder / "workspace")].count("garbage collected") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("show", "old"),
        ("why", "old"),
        ("lineage", "run:old"),
        ("diff", "old", "new"),
        ("report", "old"),
        ("report", "new", "--refresh"),
        ("runs",),
    ],
)
def test_commands_explain_that_an_artifact_was_collected(collected, command, words):
    folder, *_ = collected
    told = command(folder / "workspace", *words, "--json")
    assert told.returncode == 0, told.stderr
    assert json.loads(told.stdout)


def test_the_lineage_shows_that_a_run_was_collected(collected, command):
    folder, *_ = collected
    assert "was removed by `flightline gc` at 20" in command(folder / "workspace", "show", "old").stdout
    assert "collected" in command(folder / "workspace", "lineage", "run:old").stdout
    old = Runs.open(folder / "workspace" / "metadata.db").get("old")
    with pytest.raises(UsageError, match="`flightline gc` has removed the statistics of run old"):
        load_statistics(old, "train")


def test_a_second_collection_finds_nothing(collected, command):
    folder, *_ = collected
    shutil.rmtree(folder / "workspace" / "runs" / "old", ignore_errors=True)  # whose report was asked for
    told = command(folder / "workspace", "gc", "--keep", "1")
    assert told.returncode == 0
    assert "nothing to collect" in told.stdout


def test_a_later_run_does_not_use_collected_artifacts(collected, run):
    folder, *_ = collected
    again = run(folder / "workspace", folder / "data", "again", *OLD)
    assert again.code == 0, again.err
    state = {node: step.state for node, step in steps(folder, "again").items()}
    assert state["CuratedSchema"] == "CACHED"  # which the kept run has too
    assert state["ExampleGen"] == state["StatisticsGen"] == "COMPLETE"
    assert all(Path(a.uri).exists() for step in steps(folder, "again").values() for a in artifacts(step.outputs))


def test_gc_needs_the_lock_and_the_number_of_runs_to_keep(collected, command):
    folder, *_ = collected
    from flightline.utils.file_lock import hold_lock

    with hold_lock(folder / "workspace", "flights", "a run"):
        told = command(folder / "workspace", "gc", "--keep", "1")
        listed = command(folder / "workspace", "gc", "--keep", "1", "--dry-run")
    assert told.returncode == 2
    assert "the workspace is in use by a run of process" in told.stderr.splitlines()[-1]
    assert listed.returncode == 0
    assert command(folder / "workspace", "gc").returncode == 2
