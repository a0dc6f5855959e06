"""Imports what the functions in the standard components' Beam pipelines need, before a pool of workers forks."""

from flightline.utils.lazy_import import lazy_load_vertex

lazy_load_vertex()

import apache_beam.runners.worker.sdk_worker  # noqa: E402, F401 - after lazy_load_vertex, which changes these imports
from tfx import v1  # noqa: E402, F401

import flightline.components.bin_extractor  # noqa: E402
import flightline.executors.example_gen.beam_ingestion  # noqa: E402, F401
