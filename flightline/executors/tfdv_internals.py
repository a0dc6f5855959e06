"""What TensorFlow Data Validation does not export and Flightline uses: how it computes statistics of a batch."""

from __future__ import annotations

from typing import Any

import tensorflow_data_validation as tfdv

from flightline.utils.private_api import PrivateApi, PrivateName

_STATS = "tensorflow_data_validation.statistics"
_UTILS = "tensorflow_data_validation.utils"

TFDV = PrivateApi(
    "tensorflow-data-validation",
    ("1.16.1", "1.21.0"),
    [
        PrivateName(f"{_STATS}.stats_impl:get_generators", ("options", "in_memory")),
        PrivateName(f"{_STATS}.stats_impl:extract_statistics_output", ("partial_stats", "stats_generators")),
        f"{_STATS}.generators.top_k_uniques_sketch_stats_generator:TopKUniquesSketchStatsGenerator",
        PrivateName(
            "tensorflow_data_validation.arrow.arrow_util:enumerate_arrays",
            ("record_batch", "example_weight_map", "enumerate_leaves_only"),
        ),
        PrivateName(f"{_UTILS}.schema_util:get_bytes_features", ("schema",)),
        PrivateName(f"{_UTILS}.schema_util:get_categorical_numeric_feature_types", ("schema",)),
        PrivateName(f"{_UTILS}.stats_util:get_feature_type_from_arrow_type", ("feature_path", "arrow_type")),
        PrivateName(
            f"{_UTILS}.top_k_uniques_stats_util:output_categorical_numeric",
            ("categorical_numeric_types", "feature_path", "feature_type"),
        ),
        PrivateName(f"{_UTILS}.top_k_uniques_stats_util:FeatureValueCount", ("feature_value", "count")),
        PrivateName(
            f"{_UTILS}.top_k_uniques_stats_util:make_feature_stats_proto_topk_uniques",
            (
                "feature_path",
                "num_top_values",
                "num_rank_histogram_buckets",
                "num_unique",
                "value_count_list",
                "frequency_threshold",
            ),
        ),
    ],
)


def read_option_values(options: tfdv.StatsOptions) -> dict[str, Any]:
    """Every option by its name; `StatsOptions` keeps most of them in attributes with a leading underscore."""
    return {name.lstrip("_"): value for name, value in vars(options).items()}


def get_slice_sqls(options: tfdv.StatsOptions) -> list[str]:
    """The SQL queries that choose slices; TFDV 1.21, which has no ZetaSQL, does not have this option."""
    return list(getattr(options, "experimental_slice_sqls", None) or ())
