"""Beam options of each engine. For now: in this process."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import Literal

RunnerName = Literal["local", "beam"]

# Left to itself, Beam's DirectRunner tries to download its Prism binary for every pipeline; and without a container
# image named, each Beam component copies TFX and builds an sdist of it for workers that there are none of.
LOCAL = ("--runner=FnApiRunner", "--direct_running_mode=in_memory", "--sdk_container_image=local")


def beam_arguments() -> list[str]:
    """Arguments for the Beam pipelines of components on the local engine."""
    return list(LOCAL)


@contextlib.contextmanager
def beam_reads_these_arguments() -> Iterator[None]:
    """While entered, a Beam pipeline made without options gets ours.

    BeamDagRunner orchestrates on such a pipeline, and Beam then reads the options from the command line, as TFX's
    executors do for their extra flags: ours are for the runner, not for them.
    """
    before = sys.argv
    sys.argv = [before[0], *LOCAL]
    try:
        yield
    finally:
        sys.argv = before
