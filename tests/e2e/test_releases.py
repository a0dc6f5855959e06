"""Releasing, rolling back, and comparing the next candidates with the served release."""

import json
import shutil

import pytest

OTHER = ("--set", "train.seed=1", "--set", "evaluation.thresholds={AUC: {lower: 0.5}}")


@pytest.fixture(scope="module")
def two(run, flights_sample, tmp_path_factory):
    """Two releases in a workspace of their own: (workspace, data, first, second)."""
    folder = tmp_path_factory.mktemp("releases")
    shutil.copytree(flights_sample / "span-06", folder / "data" / "span-06")
    workspace, data = folder / "workspace", folder / "data"
    first = run(workspace, data, "first")
    second = run(workspace, data, "second", *OTHER)
    assert (first.code, second.code) == (0, 0), first.err + second.err
    assert first.current != second.current
    return workspace, data, first, second


@pytest.fixture(scope="module")
def back(two, command):
    """What `flightline rollback` said."""
    workspace, *_ = two
    return command(workspace, "rollback", "--reason", "pagers at three in the morning")


def test_a_release_has_its_provenance_and_input_contract(two):
    workspace, _, first, _ = two
    about = json.loads((workspace / "releases" / "flights" / first.current / "release.json").read_text())
    assert about["run"] == "first"
    assert set(about["digests"]) == {"examples", "schema", "transform_graph", "model", "evaluation"}
    assert about["signatures"]["serving_default"] == {
        "inputs": {"examples": "string [-1]"},
        "outputs": {"probabilities": "float [-1, 1]"},
    }
    [delay] = [entry for entry in about["inputs"] if entry["name"] == "dep_delay"]
    assert (delay["type"], delay["required"]) == ("int", True)


def test_a_rollback_is_recorded_in_the_audit_log(two, back, command):
    workspace, _, first, second = two
    assert back.returncode == 0, back.stderr
    assert f"release {second.current} is withdrawn, release {first.current} is current" in back.stdout
    known = json.loads(command(workspace, "releases", "--json").stdout)
    assert [(one["version"], one["current"], one["withdrawn"]) for one in known] == [
        (second.current, False, "pagers at three in the morning"),
        (first.current, True, None),
    ]
    last = json.loads(command(workspace, "audit", "--verify", "--json").stdout)[-1]
    assert last["event"] == "rolled back"
    assert last["facts"]["reason"] == "pagers at three in the morning"


def test_a_rolled_back_release_does_not_become_current_again(two, back, run):
    workspace, data, first, _ = two
    again = run(workspace, data, "again", *OTHER)
    assert again.code == 0, again.err
    assert again.current == first.current
    assert again.steps["Pusher"].state == "CACHED"


def test_the_next_candidate_is_compared_with_the_served_release(two, back, run):
    workspace, data, first, _ = two
    third = run(workspace, data, "third", "--set", "train.seed=3", "--to", "Evaluator")
    assert third.code in (0, 4), third.err
    champion = third.summary["evaluation"]["champion"]["overall"]
    assert champion == first.summary["evaluation"]["metrics"]["overall"]
