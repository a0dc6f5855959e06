"""Slices by bins in TFX's own Evaluator: an extractor replaces each number by the name of its bin.

TFX calls `custom_extractors` with the EvalConfig only, which does not have the bins' edges. The executor sets them in
the context variable `active_edges`; the extractor holds a copy, with which Beam sends it to the workers.
"""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.extractors.slice_key_extractor import SLICE_KEY_EXTRACTOR_STAGE_NAME

from flightline.executors.evaluator.bins import NO_BIN, Edges, active_edges, bin_indices, bin_names

EXTRACTORS_PATH = f"{__name__}.custom_extractors"  # the value of the execution property `custom_extractors`


def custom_extractors(
    eval_shared_model: Any, eval_config: tfma.EvalConfig, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """TFMA's extractors, with the one that replaces numbers by bin names just before slices are computed."""
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model, eval_config=eval_config, tensor_adapter_config=tensor_adapter_config
    )
    position = [extractor.stage_name for extractor in extractors].index(SLICE_KEY_EXTRACTOR_STAGE_NAME)
    bins = tfma.extractors.Extractor("BinFeatures", beam.Map(replace_with_bin_names, dict(active_edges.get())))
    return [*extractors[:position], bins, *extractors[position:]]


def replace_with_bin_names(extracts: dict[str, Any], edges: Edges) -> dict[str, Any]:
    """Replaces the numbers of one row by bin names in the columns that have bins; predictions exist by then."""
    features = dict(extracts[constants.FEATURES_KEY])
    for column, column_edges in edges.items():
        if column in features:
            names = np.array([name.encode() for name in bin_names(column_edges)], dtype=object)
            numbers = bin_indices(np.ravel(features[column]), column_edges)
            features[column] = names[numbers[numbers != NO_BIN]]
    return {**extracts, constants.FEATURES_KEY: features}
