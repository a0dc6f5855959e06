"""Features from TFDV's statistics: distributions by split, missing values, the most frequent values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TypeAlias

from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.reporting.html.data import Feature, SplitStatistics
from flightline.utils.distribution_distance import Histogram
from flightline.utils.storage import find_files

Statistics: TypeAlias = statistics_pb2.DatasetFeatureStatistics
MAX_VALUES_KEPT = 20  # the most frequent values of a categorical feature
_FeatureStatistics = statistics_pb2.FeatureNameStatistics
_KIND_BY_TYPE = {
    _FeatureStatistics.INT: "integer",
    _FeatureStatistics.FLOAT: "float",
    _FeatureStatistics.STRING: "categorical",
    _FeatureStatistics.BYTES: "categorical",
}


def read_statistics(uri: str) -> dict[str, Statistics]:
    """The statistics of an ExampleStatistics artifact by split, `train` first; empty where the files are gone.

    Raises:
        OSError, InputError: a file cannot be read from here.
        google.protobuf.message.DecodeError: a file is not a statistics file.
    """
    found = {}
    for file in find_files(uri, "Split-*/FeatureStats.pb"):
        with file.open() as source:
            datasets = statistics_pb2.DatasetFeatureStatisticsList.FromString(source.read()).datasets
        if datasets:
            found[file.name.partition("/")[0].removeprefix("Split-")] = datasets[0]
    return dict(sorted(found.items(), key=lambda item: (item[0] != "train", item[0])))


def summarize_features(statistics: Mapping[str, Statistics], role_of: Callable[[str], str]) -> list[Feature]:
    """The features of all splits, sorted by name, the label first.

    Args:
        statistics: by split.
        role_of: column name → label, feature or unused.
    """
    by_name: dict[str, dict[str, SplitStatistics]] = {}
    kinds: dict[str, str] = {}
    for split, dataset in statistics.items():
        for feature in dataset.features:
            name = feature_name(feature)
            kinds.setdefault(name, feature_kind(feature))
            by_name.setdefault(name, {})[split] = _split_statistics(feature, dataset.num_examples)
    made = [Feature(name, kinds[name], role_of(name), splits) for name, splits in by_name.items()]
    return sorted(made, key=lambda feature: (feature.role != "label", feature.name))


def feature_name(feature: statistics_pb2.FeatureNameStatistics) -> str:
    return ".".join(feature.path.step) or feature.name


def feature_kind(feature: statistics_pb2.FeatureNameStatistics) -> str:
    """integer, float, categorical (integers that are categories included) or other."""
    if feature.WhichOneof("stats") == "string_stats":
        return "categorical"
    return _KIND_BY_TYPE.get(feature.type, "other")


def count_missing(feature: statistics_pb2.FeatureNameStatistics, rows: int) -> int:
    """Rows without a value. ExampleGen writes a missing value as an empty list, which TFDV counts as present."""
    kind = feature.WhichOneof("stats")
    if kind is None:
        return rows
    common = getattr(feature, kind).common_stats
    present = common.tot_num_values if common.max_num_values <= 1 else common.num_non_missing
    return max(0, rows - present)


def standard_histogram(feature: statistics_pb2.FeatureNameStatistics) -> Histogram | None:
    """The histogram with buckets of equal width; None where there is none."""
    return _histogram(feature, statistics_pb2.Histogram.STANDARD)


def finite_or_none(value: float) -> float | None:
    """The number, or None where it is infinite or NaN: JSON has neither."""
    return float(value) if math.isfinite(value) else None


def _split_statistics(feature: statistics_pb2.FeatureNameStatistics, rows: int) -> SplitStatistics:
    missing = count_missing(feature, rows)
    if feature.WhichOneof("stats") == "string_stats":
        ranked = feature.string_stats.rank_histogram.buckets
        return SplitStatistics(
            rows,
            missing,
            values=[(bucket.label, bucket.sample_count) for bucket in ranked[:MAX_VALUES_KEPT]],
            unique=feature.string_stats.unique or len(ranked),
        )
    if feature.WhichOneof("stats") != "num_stats" or missing == rows:
        return SplitStatistics(rows, missing)
    numbers = feature.num_stats
    return SplitStatistics(
        rows,
        missing,
        histogram=standard_histogram(feature),
        quantiles=_histogram(feature, statistics_pb2.Histogram.QUANTILES),
        mean=finite_or_none(numbers.mean),
        std_dev=finite_or_none(numbers.std_dev),
        min=finite_or_none(numbers.min),
        median=finite_or_none(numbers.median),
        max=finite_or_none(numbers.max),
        zeros=numbers.num_zeros,
    )


def _histogram(feature: statistics_pb2.FeatureNameStatistics, kind: int) -> Histogram | None:
    for histogram in feature.num_stats.histograms:
        buckets = [b for b in histogram.buckets if math.isfinite(b.low_value) and math.isfinite(b.high_value)]
        if histogram.type == kind and buckets:
            edges = [buckets[0].low_value, *(bucket.high_value for bucket in buckets)]
            return Histogram(edges, [bucket.sample_count for bucket in buckets])
    return None
