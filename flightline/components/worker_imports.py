"""Whatever the functions in the standard components' pipelines need: a pool of workers imports this ahead of them."""

from flightline.utils.lazy_import import lazy_load_vertex

lazy_load_vertex()

import apache_beam.runners.worker.sdk_worker  # noqa: E402, F401 - after the line above, which is about what follows
from tfx import v1  # noqa: E402, F401

import flightline.components.bin_extractor  # noqa: E402
import flightline.executors.example_gen.beam_ingestion  # noqa: E402, F401
