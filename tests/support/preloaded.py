"""Runs Python command lines as `python` would, each in a process of its own that has TFX imported already.

Run as a script: it imports TFX once, then reads one JSON list a line, `[ARGUMENTS, LOG]`, forks, runs the arguments as
`python ARGUMENTS` in the child with its output in LOG, and writes the exit code to stdout. A step takes what its own
work takes; the import of TFX, eight CPU seconds, is paid once.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
import traceback
from collections.abc import Sequence


def run_here(arguments: Sequence[str]) -> int:
    """What `python ARGUMENTS` does: `-m MODULE ...` or `SCRIPT ...`; returns the exit code."""
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


def run_in_a_fork(arguments: Sequence[str], log: str) -> int:
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(output, 1)
    os.dup2(output, 2)
    code = run_here(arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def serve() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print is not an answer
    from pipeline.later import load_vertex_later

    load_vertex_later()
    import pipeline.training  # noqa: F401 - all that the steps import, but nothing that starts threads

    for line in sys.stdin:
        answers.write(f"{run_in_a_fork(*json.loads(line))}\n")
        answers.flush()


if __name__ == "__main__":
    serve()
