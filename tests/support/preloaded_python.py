"""Runs Python command lines as `python` would, each in a process of its own that has TFX imported already.

A `Preloaded` keeps a process that has imported TFX and forks it for every command: a command takes what its own work
takes; the import of TFX, eight CPU seconds, is paid once. What is about the start of a process (what is imported, what
an import prints) needs a fresh one instead.
"""

from __future__ import annotations

import json
import os
import resource
import runpy
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = 600


class PreloadedPython:
    """The process that is forked; as a context manager, for as long as it is entered."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> PreloadedPython:
        return self

    def __exit__(self, *error: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._process is not None:
            self._process.kill()  # nothing of it is left to do but to take TensorFlow down
            self._process.wait()

    def __call__(
        self,
        arguments: Sequence[str],
        out: Path,
        err: Path | None = None,
        modules: Path | None = None,
        kill_after_s: float = 0.0,
        limits: dict[str, int] | None = None,
    ) -> int:
        """The exit code of `python ARGUMENTS`, a negative one where a signal ended it.

        Args:
            arguments: `-m MODULE ...` or `SCRIPT ...`.
            out, err: files for what it prints; without `err` both go to `out`.
            modules: a folder with user code, importable there.
            kill_after_s: when to send it, and all that it has started, a SIGKILL.
            limits: resource limits by name (`RLIMIT_FSIZE`).
        """
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, __file__],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # what an import says; each command has its own
                text=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = [list(map(str, arguments)), str(out), str(err or out), str(modules or ""), kill_after_s, limits or {}]
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


def run_in_this_process(arguments: Sequence[str]) -> int:
    """What `python ARGUMENTS` does; returns the exit code."""
    try:
        if arguments[0] == "-m":
            sys.argv = list(arguments[1:])
            runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = list(arguments)
            runpy.run_path(arguments[0], run_name="__main__")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def run_forked(
    arguments: Sequence[str], out: str, err: str, modules: str, kill_after_s: float, limits: dict[str, int]
) -> int:
    child = os.fork()
    if child:
        if kill_after_s:
            until = time.monotonic() + kill_after_s
            while time.monotonic() < until:
                ended, status = os.waitpid(child, os.WNOHANG)
                if ended:
                    return os.waitstatus_to_exitcode(status)
                time.sleep(0.005)
            os.killpg(child, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.setpgid(0, 0)
    for name, limit in limits.items():
        resource.setrlimit(getattr(resource, name), (limit, limit))
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write fails instead
    signal.alarm(TIMEOUT_S)
    for stream, name in ((1, out), (2, err)):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.dup2(file, stream)
        os.close(file)
    if modules:
        sys.path.insert(0, modules)
        os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], modules])  # of its children
    code = run_in_this_process(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is not an answer
    from flightline.runs.process.log_capture import quiet_libraries
    from flightline.utils.lazy_import import lazy_load_vertex

    quiet_libraries()
    lazy_load_vertex()
    import pipeline.training  # noqa: F401 - all that a run imports, but nothing that starts threads

    for line in sys.stdin:
        answers.write(f"{run_forked(*json.loads(line))}\n")
        answers.flush()


if __name__ == "__main__":
    serve()
