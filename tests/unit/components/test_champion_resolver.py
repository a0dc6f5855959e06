"""The champion is the model that was pushed last; a model that cannot be loaded is reported and is no champion."""

import ml_metadata as mlmd
import pytest
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types import standard_artifacts

from flightline.components.champion_resolver import LOAD_ERROR_PROPERTY, CurrentReleaseStrategy, find_load_error
from flightline.errors import StepFailed
from flightline.executors import progress


class Releases:
    """A metadata store in memory with pushed models and their files."""

    def __init__(self, folder):
        fake = pb.ConnectionConfig()
        fake.fake_database.SetInParent()
        self.store, self.folder = mlmd.MetadataStore(fake), folder

    def push(self, pushed=True, run="run"):
        """A Model with its SavedModel, and the PushedModel that a Pusher made of it; returns the Model's folder."""
        count = len(self.store.get_artifacts())
        folder = self.folder / str(count)
        module = tf.Module()
        module.weight = tf.Variable(tf.random.stateless_normal([64], [1, count]))
        tf.saved_model.save(module, str(folder / "Format-Serving"))
        model, release = (self._artifact(name, str(folder)) for name in ("Model", "PushedModel"))
        release.custom_properties["pushed"].int_value = int(pushed)
        release.custom_properties["pushed_version"].string_value = f"17{count}"
        kind = self.store.put_execution_type(pb.ExecutionType(name="Pusher"))
        events = [(model, pb.Event(type=pb.Event.INPUT)), (release, pb.Event(type=pb.Event.OUTPUT))]
        kind_of_run = self.store.put_context_type(pb.ContextType(name="pipeline_run"))
        known = self.store.get_context_by_type_and_name("pipeline_run", run)
        context = known or pb.Context(type_id=kind_of_run, name=run)
        self.store.put_execution(pb.Execution(type_id=kind), events, [context])
        return folder

    def _artifact(self, name, uri):
        return pb.Artifact(type_id=self.store.put_artifact_type(pb.ArtifactType(name=name)), uri=uri)

    def of(self, kind):
        found = []
        for stored in self.store.get_artifacts_by_type(kind.TYPE_NAME):
            artifact = kind()
            artifact.set_mlmd_artifact(stored)
            found.append(artifact)
        return found

    def champion(self, **settings):
        candidates = {
            "model": self.of(standard_artifacts.Model),
            "pushed_model": self.of(standard_artifacts.PushedModel),
        }
        return CurrentReleaseStrategy(**settings).resolve_artifacts(self.store, candidates)


@pytest.fixture
def releases(tmp_path):
    return Releases(tmp_path)


def uris(resolved):
    return [artifact.uri for artifact in resolved["model"]]


def test_the_champion_is_the_last_pushed_model(releases):
    releases._artifact("Model", "/x")
    releases._artifact("PushedModel", "/x")
    assert releases.champion() == {"model": [], "pushed_model": []}
    releases.push()
    second = releases.push()
    releases.push(pushed=False)
    resolved = releases.champion()
    assert uris(resolved) == [str(second)]
    assert resolved["pushed_model"][0].get_string_custom_property(LOAD_ERROR_PROPERTY) == ""


def test_a_resumed_run_is_not_compared_with_its_own_release(releases):
    """Killed after the Pusher, before its model was the current release."""
    first = releases.push(run="first")
    releases.push(run="killed.2")
    assert uris(releases.champion(resumed="killed.2")) == uris(releases.champion(resumed="killed")) == [str(first)]
    assert uris(releases.champion(resumed="first")) != [str(first)]
    assert uris(releases.champion()) != [str(first)]


def break_files(folder, damage):
    saved = folder / "Format-Serving"
    if damage == "no files":
        saved.rename(folder / "moved")
    elif damage == "no graph":
        (saved / "saved_model.pb").unlink()
    elif damage == "another graph":
        (saved / "saved_model.pb").write_bytes(b"not a graph")
    elif damage == "no weights":
        (saved / "variables" / "variables.index").unlink()
    else:
        weights = saved / "variables" / "variables.data-00000-of-00001"
        content = bytearray(weights.read_bytes())
        content[5] ^= 0xFF
        weights.write_bytes(content)


@pytest.mark.parametrize("damage", ["no files", "no graph", "another graph", "no weights", "a flipped bit"])
def test_a_champion_that_cannot_be_loaded_is_reported_and_not_used(releases, damage):
    releases.push()
    newest = releases.push()
    break_files(newest, damage)
    notes = []
    with progress.listen(lambda _: None, notes.append):
        resolved = releases.champion()
    assert resolved["model"] == []  # nor the release before it, which is not served
    [pushed] = resolved["pushed_model"]
    problem = pushed.get_string_custom_property(LOAD_ERROR_PROPERTY)
    assert str(newest) in problem
    assert "\n" not in problem
    assert notes == [f"The champion, release 172, cannot be loaded: {problem}; the candidate is evaluated alone"]
    [kept] = releases.store.get_artifacts_by_id([pushed.id])
    assert kept.custom_properties[LOAD_ERROR_PROPERTY].string_value == problem
    with pytest.raises(StepFailed, match="release 172, cannot be loaded"):
        releases.champion(on_load_failure="block")


def test_a_model_whose_files_are_restored_is_the_champion_again(releases):
    folder = releases.push()
    break_files(folder, "no files")
    assert uris(releases.champion()) == []
    (folder / "moved").rename(folder / "Format-Serving")
    resolved = releases.champion()
    assert uris(resolved) == [str(folder)]
    assert resolved["pushed_model"][0].get_string_custom_property(LOAD_ERROR_PROPERTY) == ""
    assert find_load_error(resolved["model"][0]) == ""
