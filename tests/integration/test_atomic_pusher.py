"""What the Pusher leaves in `releases/`: a whole version, or none."""

import os

import pytest
from tfx.components.pusher import executor as stock
from tfx.dsl.components.base.base_executor import BaseExecutor
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import proto_utils

from flightline.components.atomic_pusher import Executor


@pytest.fixture
def model(tmp_path):
    folder = tmp_path / "model" / "Format-Serving" / "variables"
    folder.mkdir(parents=True)
    (folder / "variables.index").write_bytes(os.urandom(100))
    (folder.parent / "saved_model.pb").write_bytes(b"graph")
    artifact = standard_artifacts.Model()
    artifact.uri = str(tmp_path / "model")
    return artifact


@pytest.fixture
def push(tmp_path, model, monkeypatch):
    """`push()` → the PushedModel artifact; what it says is as ML Metadata gets it."""
    monkeypatch.setattr(stock.Executor, "CheckBlessing", lambda *_: True)
    filesystem = pusher_pb2.PushDestination.Filesystem(base_directory=str(tmp_path / "releases"))
    destination = proto_utils.proto_to_json(pusher_pb2.PushDestination(filesystem=filesystem))
    pushes = iter(range(100))

    def push():
        pushed = standard_artifacts.PushedModel()
        pushed.uri = str(tmp_path / "pushed" / str(next(pushes)))
        executor = Executor(BaseExecutor.Context(tmp_dir=str(tmp_path / "tmp"), unique_id="1"))
        executor.Do({"model": [model]}, {"pushed_model": [pushed]}, {"push_destination": destination})
        return pushed

    return push


def listed(tmp_path):
    return sorted(path.name for path in (tmp_path / "releases").iterdir())


def test_a_pushed_version_is_complete_and_recorded_under_its_name(push, tmp_path):
    pushed = push()
    [version] = listed(tmp_path)
    assert pushed.get_string_custom_property("pushed_destination") == str(tmp_path / "releases" / version)
    assert pushed.get_string_custom_property("pushed_version") == version
    assert (tmp_path / "releases" / version / "saved_model.pb").read_bytes() == b"graph"
    assert (tmp_path / "releases" / version / "variables" / "variables.index").stat().st_size == 100


def test_two_pushes_within_a_second_get_two_versions(push, tmp_path, monkeypatch):
    monkeypatch.setattr(stock.time, "time", lambda: 1000.5)
    versions = [push().get_string_custom_property("pushed_version") for _ in range(3)]
    assert versions == listed(tmp_path) == ["1000", "1001", "1002"]


def test_a_copy_that_fails_half_way_leaves_nothing(push, tmp_path, monkeypatch):
    copied = []

    def full(source, target):
        copied.append(target)
        assert [name for name in listed(tmp_path) if name.isdigit()] == []  # nothing to be seen meanwhile
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stock.io_utils, "copy_file", full)
    with pytest.raises(OSError, match="No space left"):
        push()
    assert copied
    assert listed(tmp_path) == []


def test_the_next_push_removes_the_files_of_a_killed_one(push, tmp_path):
    (tmp_path / "releases" / ".pushing-killed" / "1000").mkdir(parents=True)
    pushed = push()
    assert listed(tmp_path) == [pushed.get_string_custom_property("pushed_version")]
