"""The Debian root itself: what is in it, and that nothing of it is left behind on this machine."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from pipeline_runs import ROOT as HERE

from scripts.tfx121_root import ROOT, chroot_command

MARK = "left-behind-by-the-root"


def test_the_root_has_another_python_and_glibc_than_this_machine(run_on_tfx121):
    said = run_on_tfx121("-c", "import sys, os; print(sys.version_info[:2], os.confstr('CS_GNU_LIBC_VERSION'))").stdout
    assert said.strip() == "(3, 13) glibc 2.41"


def test_the_code_and_the_lock_are_those_of_this_checkout(run_on_tfx121):
    wanted = (HERE / "requirements.lock").read_bytes()
    assert (ROOT / "flightline" / "requirements.lock").read_bytes() == wanted
    code = run_on_tfx121("-c", "import pipeline; print(pipeline.__file__)").stdout
    assert code.strip() == "/flightline/pipeline/__init__.py"


def test_a_command_s_exit_code_is_its_own(run_on_tfx121):
    assert run_on_tfx121("-c", "raise SystemExit(7)").returncode == 7


def test_a_killed_sandbox_leaves_no_mount_and_no_process(run_on_tfx121):
    words = [sys.executable, "-m", "scripts.tfx121", "run", "sh", "-c", f": {MARK}; sleep 600 & echo started; wait"]
    process = subprocess.Popen(words, cwd=HERE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert any("started" in line for line in process.stdout)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.read()  # closed by the last that has it open
    assert str(ROOT) not in Path("/proc/self/mounts").read_text()
    assert not [one for one in Path("/proc").glob("[0-9]*/cmdline") if MARK in _read(one)]


def test_no_folder_of_this_machine_is_left_mounted(run_on_tfx121):
    assert subprocess.run(chroot_command("true"), check=False).returncode == 0
    assert str(ROOT) not in Path("/proc/self/mounts").read_text()


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
