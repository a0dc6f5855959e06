"""Whether Beam arguments name a runner that works outside this process."""

from __future__ import annotations

from collections.abc import Sequence

from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions

LOCAL_RUNNERS = ("DirectRunner", "FnApiRunner", "BundleBasedDirectRunner", "PrismRunner")


def out_of_process_runner(beam_arguments: Sequence[str]) -> str | None:
    """The runner or mode of the arguments that works outside this process; None if they run in this process."""
    options = PipelineOptions(list(beam_arguments))
    runner = options.view_as(StandardOptions).runner
    if runner and runner.rpartition(".")[2] not in LOCAL_RUNNERS:
        return runner
    mode = options.view_as(DirectOptions).direct_running_mode
    return mode if mode == "multi_processing" else None
