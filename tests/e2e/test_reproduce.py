"""`flightline reproduce`: a run done again from what it left on record, artifact by artifact."""

import json
import shutil

import pytest
from dvc_layout import copy_to_cache, make_dvc_project

from flightline.metadata.runs import Runs
from flightline.releases.audit_log import HEAD_FILE, LOG_FILE
from flightline.utils.dvc import file_md5


@pytest.fixture(scope="module")
def made(run, flights_sample, tmp_path_factory):
    """Two runs on a month, the second judged against the first; their data are nobody else's, and DVC tracks them."""
    [source] = (flights_sample / "span-06").iterdir()
    files = {f"span-06/{source.name}": source.read_text()}
    folder = make_dvc_project(tmp_path_factory.mktemp("reproduced"), files)
    copy_to_cache(folder / ".dvc" / "cache", folder)
    first = run(folder / "workspace", folder / "data", "first")
    assert first.code == 0, first.err
    second = run(folder / "workspace", folder / "data", "second", "--set", "train.epochs=1")
    assert second.code in (0, 4), second.err
    return folder, second


def test_every_artifact_of_a_reproduction_matches_even_if_the_data_have_changed(made, command):
    """What the run noted is in DVC's cache; where it was, there is another month by now."""
    folder, second = made
    [file] = (folder / "data").glob("*/*.csv")
    noted = Runs.open(folder / "workspace" / "metadata.db").get("second").properties["dvc"]
    assert json.loads(noted) == {str(file.relative_to(folder / "data")): file_md5(file)}
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b"\n6,", b"\n7,"))
    told = command(folder / "workspace", "reproduce", "second", "--json", timeout=300)
    file.write_bytes(kept)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert found["matches"]
    assert found["exit_code"] == found["reproduced_exit_code"] == second.code
    states = {one["artifact"]: one["state"] for one in found["artifacts"]}
    assert set(states.values()) == {"MATCH"}
    assert states.keys() >= {
        "ExampleGen.examples",
        "Transform.transform_graph",
        "Trainer.model",
        "Evaluator.evaluation",
    }
    assert list((folder / "workspace" / "reproduced").iterdir()) == []  # all matched: nothing is kept


def test_an_input_that_cannot_be_restored_is_an_error_and_nothing_is_run(made, command):
    folder, _ = made
    shutil.rmtree(folder / ".dvc" / "cache")
    [file] = (folder / "data").glob("*/*.csv")
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b",EWR,", b",JFK,", 1))
    told = command(folder / "workspace", "reproduce", "second")
    file.write_bytes(kept)
    assert told.returncode == 2
    assert f"{file} has changed since; it had the SHA-256 " in told.stderr.splitlines()[-1]
    assert list((folder / "workspace" / "reproduced").iterdir()) == []


@pytest.mark.slow
def test_differences_are_named_and_the_reproduction_is_kept(made, command):
    """The run's config is made to say something else than it ran with, as an edit of its folder would."""
    folder, _ = made
    config = folder / "workspace" / "runs" / "second" / "config.yaml"
    kept = config.read_text()
    config.write_text(kept.replace("seed: 0", "seed: 1"))
    assert config.read_text() != kept
    told = command(folder / "workspace", "reproduce", "second", "--json", timeout=300)
    config.write_text(kept)
    assert told.returncode == 1
    artifacts = json.loads(told.stdout)["artifacts"]
    differs = {each["artifact"]: each["differences"] for each in artifacts if each["differences"]}
    assert {"Trainer.model", "Evaluator.evaluation"} <= set(differs)
    assert "ExampleGen.examples" not in differs
    assert differs["Trainer.model"][0].startswith("weight ")
    assert differs["Evaluator.evaluation"][0].startswith("metric ")
    assert "artifacts differ: Trainer.model" in told.stderr.splitlines()[-1]
    [reproduction] = (folder / "workspace" / "reproduced").iterdir()
    assert (reproduction / "workspace" / "metadata.db").is_file()
    assert not (reproduction / LOG_FILE).exists()
    assert (reproduction / "workspace" / HEAD_FILE).exists()  # its own audit log, not that of what it repeats
