"""Processes on machines that give them less than usual."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from scripts.repository import REPOSITORY

COMMAND = [sys.executable, "-m", "flightline", "audit", "--json"]


def run(command, **options):
    options.setdefault("env", dict(os.environ))
    options["env"]["PYTHONPATH"] = str(REPOSITORY)
    options.setdefault("cwd", REPOSITORY)
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", **options)


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_closed_standard_streams_change_neither_exit_code_nor_files(tmp_path, closed):
    """The next file that is opened would have the number of a closed stream, and receive what is printed."""
    script = (
        "from flightline.utils.process_start import prepare_process\n"
        "prepare_process()\n"
        "import pathlib, sys\n"
        "from flightline.runs.process.log_capture import capture_output\n"
        "file = open('data', 'w'); print('printed'); print('printed', file=sys.stderr)\n"
        "with capture_output(pathlib.Path('log.txt')) as terminal:\n"
        "    print('in the log', flush=True); terminal.out.write('on the screen')\n"
        "file.write('written'); file.close()\n"
    )
    (tmp_path / "run.py").write_text(script)
    ended = run(["/bin/sh", "-c", f"{sys.executable} run.py {closed}"], cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "data").read_text() == "written"
    assert (tmp_path / "log.txt").read_text() == "in the log\n"


@pytest.mark.parametrize("locale", [{"LC_ALL": "POSIX"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}])
def test_paths_that_are_not_ascii_work_in_the_posix_locale(tmp_path, locale):
    project = tmp_path / "caf\u00e9"
    (project / "schema").mkdir(parents=True)
    shutil.copytree(REPOSITORY / "configs", project / "configs")
    workspace = project / "t\u00e9st"
    script = f"audit --config configs/flights.yaml --set workspace={workspace} --json".split()
    ended = run([sys.executable, "-m", "flightline", *script], cwd=project, env={**os.environ, **locale})
    assert ended.returncode == 0, ended.stderr
    check = (
        "from flightline.utils.process_start import prepare_process\n"
        "prepare_process()\n"
        "import pathlib, sys\n"
        "from flightline.utils.files import atomic_write\n"
        "atomic_write(pathlib.Path(sys.argv[1]) / 'f', sys.argv[1]); print(sys.argv[1])\n"
    )
    (project / "check.py").write_text(check)
    ended = run([sys.executable, "check.py", str(project)], cwd=project, env={**os.environ, **locale})
    assert ended.stdout == f"{project}\n"
    assert (project / "f").read_text(encoding="utf-8") == str(project)


def test_a_python_that_insists_on_ascii_is_refused_in_one_line():
    environment = {**os.environ, "LC_ALL": "POSIX"}
    ended = run([sys.executable, "-X", "utf8=0", *COMMAND[1:]], env=environment)
    assert ended.returncode == 2
    assert "Python takes paths for ascii, not UTF-8; set LC_ALL=C.UTF-8" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user, which only root can")
def test_a_user_without_a_name_has_one_for_every_library():
    script = (
        "import os\n"
        "from flightline.utils.process_start import prepare_process\n"
        "os.setgid(54321); os.setuid(54321)\n"
        "prepare_process()\n"
        "import getpass; print(getpass.getuser())\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("LOGNAME", "USER", "LNAME")}
    assert run([sys.executable, "-c", script], env=environment).stdout == "uid-54321\n"


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user, which only root can")
def test_another_users_file_is_explained_in_one_line(tmp_path):
    for path in (tmp_path, *tmp_path.parents[:2]):
        path.chmod(0o755)
    (tmp_path / "audit.jsonl").write_text("")
    (tmp_path / "audit.jsonl").chmod(0o600)
    script = (
        "import os, sys\n"
        "from flightline.cli.main import main\n"
        "b'x'.decode('utf-8-sig')  # the other user may not read Python's own files\n"
        "os.setgid(54321); os.setuid(54321)\n"
        f"sys.argv = ['flightline', 'audit', '--set', 'workspace={tmp_path}']\n"
        "main()\n"
    )
    ended = run([sys.executable, "-c", script])
    assert ended.returncode == 2
    expected = f"flightline: {tmp_path}/audit.jsonl: Permission denied; run this as the user who owns the file"
    assert ended.stderr.startswith(expected)
    assert len(ended.stderr.splitlines()) == 1
