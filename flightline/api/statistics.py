"""TFDV's statistics of one split or several."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.api.html import plural
from flightline.api.pictures import draw_distributions
from flightline.errors import UsageError, format_names
from flightline.reporting.html.data import Feature
from flightline.reporting.html.statistics import summarize_features


class Statistics:
    """Statistics of the features. In a notebook: a chart a feature, filled for the first split, a line for the others.

    Attributes:
        datasets: TFDV's `DatasetFeatureStatistics` by split.
    """

    def __init__(
        self,
        datasets: Mapping[str, statistics_pb2.DatasetFeatureStatistics],
        label: str = "",
        only: Iterable[str] = (),
    ) -> None:
        self.datasets = dict(datasets)
        self._label = label
        self._only = tuple(only)

    @property
    def proto(self) -> statistics_pb2.DatasetFeatureStatistics:
        """TFDV's statistics of the first split."""
        return next(iter(self.datasets.values()))

    @property
    def rows(self) -> dict[str, int]:
        """Rows by split."""
        return {name: int(dataset.num_examples) for name, dataset in self.datasets.items()}

    @property
    def features(self) -> dict[str, Feature]:
        """The features by name, the label first: kind, and by split missing values, histogram, frequent values."""
        found = summarize_features(self.datasets, lambda name: "label" if name == self._label else "feature")
        by_name = {feature.name: feature for feature in found}
        return {name: by_name[name] for name in self._only or by_name}

    def select(self, names: Iterable[str]) -> Statistics:
        """The statistics of some features only.

        Raises:
            UsageError: there is no such feature.
        """
        wanted, known = list(names), self.features
        unknown = [name for name in wanted if name not in known]
        if unknown:
            raise UsageError(f"there is no feature {format_names(unknown)}", f"there are {format_names(known)}")
        return Statistics(self.datasets, self._label, wanted)

    def compare(self, baseline: Statistics) -> Statistics:
        """The first split of `baseline` and that of these statistics together, as `before` and `now`."""
        return Statistics({"before": baseline.proto, "now": self.proto}, self._label, self._only)

    def quantiles(self, feature: str) -> list[float]:
        """The edges of a numeric feature's quantile buckets in the first split, ascending.

        Raises:
            UsageError: there is no such feature, or it is not numeric.
        """
        found = self.select([feature]).features[feature].splits.get(next(iter(self.datasets)))
        if found is None or found.quantiles is None:
            raise UsageError(f"{feature} has no quantiles", "choose a numeric feature")
        return list(found.quantiles.edges)

    def __repr__(self) -> str:
        rows = ", ".join(f"{name} {rows:,} rows" for name, rows in self.rows.items())
        return f"<Statistics of {plural(len(self.features), 'feature')}: {rows}>"

    def _repr_html_(self) -> str:
        return draw_distributions(list(self.features.values()))._repr_html_()
