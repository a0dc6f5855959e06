"""Over random lineages in a real store: what is needed stays, all else goes, and being cut off changes nothing."""

import itertools
import os
import shutil
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as pb
from random_lineages import RandomLineage, history_strategy

from flightline.errors import StepFailed
from flightline.releases import audit_log
from flightline.runs.gc.collect import remove_garbage
from flightline.runs.gc.plan import find_garbage
from flightline.utils.file_lock import IN_USE_LOCK, hold_lock

some = settings(max_examples=25, deadline=None)


class Killed(BaseException):
    """As `kill -9` is: nothing catches it."""


@contextmanager
def workspace(history):
    with tempfile.TemporaryDirectory() as folder:
        yield RandomLineage.build(Path(folder).resolve(), history)


def gc(lineage, keep):
    garbage = find_garbage(lineage.config, lineage.store, keep)
    remove_garbage(lineage.config, lineage.store, garbage, keep)
    return garbage


def there(uri):
    return "://" in uri or (Path(uri) / "Split-train" / "part-0").is_file()


@contextmanager
def killed_at(step, after):
    """The process ends at the `step`th change of a file or of the store: before it, or just after it."""
    left = iter(range(step, -1, -1))

    def counted(real):
        def change(*args, **kwargs):
            last = next(left, 1) == 0
            if last and not after:
                raise Killed
            real(*args, **kwargs)
            if last:
                raise Killed

        return change

    with ExitStack() as stack:
        for owner, name in (
            (shutil.os, "unlink"),
            (shutil.os, "rmdir"),
            (MetadataStore, "put_artifacts"),
            (MetadataStore, "put_contexts"),
            (audit_log, "record"),
        ):
            stack.enter_context(mock.patch.object(owner, name, counted(getattr(owner, name))))
        yield


@some
@given(history_strategy, st.integers(1, 3))
def test_exactly_the_needed_artifacts_are_kept(history, keep):
    with workspace(history) as lineage:
        needed = lineage.needed(keep)
        gc(lineage, keep)
        for artifact in lineage.store.get_artifacts():
            elsewhere = "://" in artifact.uri
            if artifact.id in needed or elsewhere or artifact.id not in lineage.ours():
                assert artifact.state == pb.Artifact.LIVE
                assert there(artifact.uri)
            else:
                assert artifact.state == pb.Artifact.DELETED
                assert not Path(artifact.uri).exists()
        owners = {e.run for e in lineage.executions if e.makes & needed}
        strangers = {e.run for e in lineage.executions if e.pipeline == "bikes"}
        folders = {path.name for path in (lineage.config.workspace / "runs").iterdir()}
        assert folders == owners | strangers | lineage.kept_runs(keep)
        assert list((lineage.config.workspace / "reproduced").iterdir()) == []
        before = lineage.state()
        assert find_garbage(lineage.config, lineage.store, keep).is_empty
        assert gc(lineage, keep).is_empty
        assert lineage.state() == before


@some
@given(history_strategy, st.integers(1, 3), st.integers(0, 30), st.booleans())
def test_a_collection_killed_anywhere_leaves_no_half_artifact_live_and_the_next_one_finishes(
    history, keep, step, after
):
    with workspace(history) as whole, workspace(history) as lineage:
        gc(whole, keep)
        needed = lineage.needed(keep)
        try:
            with killed_at(step, after):
                gc(lineage, keep)
        except Killed:
            for artifact in lineage.store.get_artifacts():
                assert artifact.id not in needed or artifact.state == pb.Artifact.LIVE
                assert artifact.state != pb.Artifact.LIVE or there(artifact.uri)
                assert artifact.state != pb.Artifact.DELETED or not Path(artifact.uri).exists()
            marked = {a.id for a in lineage.store.get_artifacts() if a.state == pb.Artifact.MARKED_FOR_DELETION}
            assert marked <= {a.id for a in find_garbage(lineage.config, lineage.store, 100).artifacts}
        gc(lineage, keep)
        assert lineage.state() == whole.state()
        audit_log.verify(lineage.config.workspace)


def run_of(**about):
    step = {"node": "Trainer", "reads": [], "outputs": 1, "cached": False, "elsewhere": 1, "released": False}
    return {"pipeline": "flights", "span": 1, "gate": "", "steps": [{**step, **about}]}


def test_a_collection_killed_at_any_change_is_finished_by_the_next_one(tmp_path):
    whole = RandomLineage.build(tmp_path / "whole", [run_of(), run_of()])
    gc(whole, 1)
    for step in itertools.count():
        lineage = RandomLineage.build(tmp_path / str(step), [run_of(), run_of()])
        try:
            with killed_at(step, after=True):
                gc(lineage, 1)
        except Killed:
            gc(lineage, 1)
            assert lineage.state() == whole.state(), step
            continue
        break
    assert step > 10  # marking, two contexts, the log, files, folders, the repetition, ...


def test_locked_folders_are_kept(tmp_path):
    lineage = RandomLineage.build(tmp_path, [{**run_of(), "pipeline": "flights-scoring"}, *[run_of()] * 2])
    scored = lineage.config.run_folder("run-0")
    reproduction = lineage.config.workspace / "reproduced" / "old"
    with hold_lock(scored, IN_USE_LOCK, "scoring"), hold_lock(reproduction, IN_USE_LOCK, "a reproduction"):
        found = find_garbage(lineage.config, lineage.store, 1)
    assert sorted(found.runs) == ["run-1"]
    assert found.reproductions == []
    assert find_garbage(lineage.config, lineage.store, 1).reproductions == [reproduction]


def test_the_folder_of_a_run_without_steps_is_removed_with_runs_of_its_time(tmp_path):
    """It failed before its first step, so that ML Metadata does not know it: its config says whose it is, and when."""
    lineage = RandomLineage.build(tmp_path, [run_of()])
    began = lineage.store.get_contexts_by_type("pipeline_run")[0].create_time_since_epoch / 1000
    for run, name, time in (
        ("before", "flights", began - 60),
        ("since", "flights", began + 60),
        ("another's", "bikes", began - 60),
    ):
        settings = lineage.config.run_folder(run) / "config.yaml"
        settings.parent.mkdir()
        settings.write_text(f"name: {name}\n")
        os.utime(settings, (time, time))
    lineage.config.run_folder("no config").mkdir()
    gc(lineage, 1)
    assert {path.name for path in (lineage.config.workspace / "runs").iterdir()} == {
        "run-0",
        "since",
        "another's",
        "no config",
    }


def test_a_file_that_cannot_be_removed_is_an_error_and_the_next_collection_continues(tmp_path):
    lineage = RandomLineage.build(tmp_path, [run_of(), run_of()])
    with (
        mock.patch.object(shutil.os, "unlink", side_effect=PermissionError(13, "Permission denied", "part-0")),
        pytest.raises(StepFailed, match=r"(part-0|out/1) cannot be removed: Permission denied; .*it continues there"),
    ):
        gc(lineage, 1)
    assert [a.state for a in lineage.store.get_artifacts()] == [pb.Artifact.MARKED_FOR_DELETION, pb.Artifact.LIVE]
    gc(lineage, 1)
    assert [a.state for a in lineage.store.get_artifacts()] == [pb.Artifact.DELETED, pb.Artifact.LIVE]


def test_files_outside_the_workspace_or_inside_kept_artifacts_are_unremovable(tmp_path):
    lineage = RandomLineage.build(tmp_path, [run_of(outputs=2), run_of(elsewhere=0), run_of()])
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    [first, second, _, last] = lineage.store.get_artifacts()
    inside_of_what_stays = Path(last.uri) / "Split-train"
    first.uri, second.uri = str(outside), str(inside_of_what_stays)
    lineage.store.put_artifacts([first, second])
    garbage = gc(lineage, 1)
    assert [artifact.id for artifact in garbage.unremovable] == [1, 2, 3]
    assert outside.is_dir()
    assert inside_of_what_stays.is_dir()
    assert {a.state for a in lineage.store.get_artifacts()} == {pb.Artifact.LIVE}


def test_a_collection_is_recorded_in_the_audit_log(tmp_path):
    lineage = RandomLineage.build(tmp_path, [run_of(), run_of()])
    garbage = gc(lineage, 1)
    [entry] = audit_log.read(lineage.config.workspace)
    assert entry.event == "garbage collected"
    assert entry.facts == {
        "pipeline": "flights",
        "keep": 1,
        "artifacts": 1,
        "runs": 1,
        "reproductions": 1,
        "bytes": garbage.size,
    }
    assert garbage.size > 0
