"""Whatever the functions in the standard components' pipelines need: a pool of workers imports this ahead of them."""

from pipeline.later import load_vertex_later

load_vertex_later()

import apache_beam.runners.worker.sdk_worker  # noqa: E402, F401 - after the line above, which is about what follows
from tfx import v1  # noqa: E402, F401

import pipeline.components.binned_slices  # noqa: E402
import pipeline.fast.ingest.on_beam  # noqa: E402, F401
