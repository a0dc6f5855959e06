"""Whether a step is to be done in this process, or on a Beam runner that was asked for by name."""

from __future__ import annotations

from collections.abc import Sequence

from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

LOCAL_RUNNERS = ("DirectRunner", "FnApiRunner", "BundleBasedDirectRunner", "PrismRunner")


def runner_elsewhere(beam_arguments: Sequence[str]) -> str | None:
    """The runner that the arguments name, where it works outside this process."""
    runner = PipelineOptions(list(beam_arguments)).view_as(StandardOptions).runner
    return runner if runner and runner.rpartition(".")[2] not in LOCAL_RUNNERS else None
