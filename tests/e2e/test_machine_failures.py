"""What a machine does to a run: full or read-only disks, a store that is locked or broken, files that vanish."""

import os
import shutil
import sqlite3
import subprocess
import threading

import pytest

TO_GATE = ("--to", "DataGate")


@pytest.fixture
def month(flights_sample, tmp_path):
    shutil.copytree(flights_sample / "span-06", tmp_path / "data" / "span-06")
    return tmp_path / "data"


def test_a_full_disk_or_a_file_size_limit_is_explained(run, month, tmp_path):
    """A limit on the size of files stands for a full disk: the same writes fail, with another number."""
    workspace = tmp_path / "workspace"
    full = run(workspace, month, "full", *TO_GATE, limits={"RLIMIT_FSIZE": 150_000})
    assert full.code == 1
    assert "larger than this process may write" in full.last_line or "disk" in full.last_line
    assert "--resume" in full.last_line
    assert "Traceback" not in full.out + full.err
    resumed = run(workspace, month, None, "--resume")
    assert resumed.code == 0, resumed.err
    assert (workspace / "runs" / "full.2" / "summary.json").is_file()


@pytest.mark.skipif(os.getuid() != 0, reason="mounts a small disk, which only root can")
@pytest.mark.parametrize("megabytes", [1, 8])
def test_a_disk_that_is_full_is_called_full(run, month, tmp_path, megabytes):
    """Small: a step of this library fails; larger: TensorFlow, which has words of its own for it."""
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(workspace)]
    if subprocess.run(["mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts no tmpfs")
    try:
        full = run(workspace, month, "full")
    finally:
        subprocess.run(["umount", "--lazy", str(workspace)], check=True)
    assert full.code in (1, 2)
    assert "the disk is full" in full.last_line or "No space left on device" in full.last_line, full.last_line
    assert "Traceback" not in full.out + full.err


def test_a_locked_metadata_store_is_explained(run, month, tmp_path):
    workspace = tmp_path / "workspace"
    assert run(workspace, month, "first", "--to", "ExampleGen").code == 0
    held = sqlite3.connect(workspace / "metadata.db", check_same_thread=False)
    held.execute("BEGIN EXCLUSIVE")
    release = threading.Timer(90, held.rollback)
    release.start()
    locked = run(workspace, month, "locked", *TO_GATE)
    release.cancel()
    held.rollback()
    held.close()
    assert locked.code == 1
    assert "the metadata store is locked by another program" in locked.last_line
    assert run(workspace, month, None, "--resume").code == 0


def test_a_damaged_metadata_store_is_explained(run, month, tmp_path):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "metadata.db").write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    broken = run(workspace, month, "broken", *TO_GATE)
    assert broken.code in (1, 2)
    assert "metadata" in broken.last_line
    assert len(broken.err.strip().splitlines()) == 1
    (workspace / "metadata.db").unlink()
    assert run(workspace, month, None, "--resume").code == 0


def test_a_second_run_in_the_workspace_is_an_error(run, start, month, tmp_path):
    workspace = tmp_path / "workspace"
    first = start(workspace, month, "first", *TO_GATE)
    for line in first.stdout:
        if line.startswith("Flightline"):
            break
    second = run(workspace, month, "second", *TO_GATE)
    assert second.code == 2
    assert f"the workspace is in use by a run of process {first.pid}" in second.last_line
    waited = run(workspace, month, "second", *TO_GATE, "--wait", "60")
    assert waited.code == 0, waited.err
    assert "waiting for a run of process" in waited.err
    assert first.wait(60) == 0
    first.stdout.close()
    first.stderr.close()


def test_a_killed_child_process_fails_the_run(run, month, tmp_path):
    """What the system does when memory runs out: the process of the serving check is gone."""
    (tmp_path / "doomed.py").write_text(
        "import os, signal\n"
        "from models.trainer import run_fn as train\n"
        "def run_fn(arguments):\n"
        "    train(arguments)\n"
        "    from flightline.components import serving_probe\n"
        "    import pathlib\n"
        "    here = pathlib.Path(__file__).with_name('probe.py')\n"
        "    here.write_text('import os, signal; os.kill(os.getpid(), signal.SIGKILL)')\n"
        "    serving_probe.__file__ = str(here)\n"
    )
    workspace = tmp_path / "workspace"
    killed = run(workspace, month, "killed", "--set", "user_code.run_fn=doomed.run_fn", modules=tmp_path)
    assert killed.code == 1
    assert killed.steps["ServingCheck"].state == "FAILED"
    assert (
        "the process that loaded the model was killed (SIGKILL), perhaps because memory ran out; --resume continues"
        in killed.last_line
    )
    assert killed.released == []
