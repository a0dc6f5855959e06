"""Slices by bins in TFX's own Evaluator: an extractor puts the bin's name in the place of the number.

`custom_extractors` is TFX's extension point for it, which is called with an EvalConfig and nothing that says where the
edges are: they are handed over in a variable of the context, and travel to the workers inside the extractor.
"""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow_model_analysis as tfma
from tensorflow_model_analysis import constants
from tensorflow_model_analysis.extractors.slice_key_extractor import SLICE_KEY_EXTRACTOR_STAGE_NAME

from flightline.executors.evaluator.bins import NO_BIN, Edges, active_edges, bin_indices, bin_names

EXTRACTORS_PATH = f"{__name__}.custom_extractors"  # what the execution property `custom_extractors` names


def custom_extractors(
    eval_shared_model: Any, eval_config: tfma.EvalConfig, tensor_adapter_config: Any
) -> list[tfma.extractors.Extractor]:
    """TFMA's extractors, and ours before the one that reads the slices off the features."""
    extractors = tfma.default_extractors(
        eval_shared_model=eval_shared_model, eval_config=eval_config, tensor_adapter_config=tensor_adapter_config
    )
    place = [one.stage_name for one in extractors].index(SLICE_KEY_EXTRACTOR_STAGE_NAME)
    ours = tfma.extractors.Extractor("BinFeatures", beam.Map(replace_with_bin_names, dict(active_edges.get())))
    return [*extractors[:place], ours, *extractors[place:]]


def replace_with_bin_names(extracts: dict[str, Any], edges: Edges) -> dict[str, Any]:
    """The extracts of one row, with the names of bins for the numbers that are cut; predictions were made before."""
    features = dict(extracts[constants.FEATURES_KEY])
    for column, of_column in edges.items():
        if column in features:
            names = np.array([name.encode() for name in bin_names(of_column)], dtype=object)
            numbers = bin_indices(np.ravel(features[column]), of_column)
            features[column] = names[numbers[numbers != NO_BIN]]
    return {**extracts, constants.FEATURES_KEY: features}
