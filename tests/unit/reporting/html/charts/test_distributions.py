import pytest

from flightline.reporting.html.charts.distributions import density_bars, distribution_chart
from flightline.reporting.html.data import Feature, SplitStatistics
from flightline.utils.distribution_distance import Histogram


def test_few_distinct_integers_get_a_bar_each():
    months = SplitStatistics(120, 0, Histogram([1.0, 4.75, 8.5, 12.0], [40.0, 40.0, 40.0]), min=1, max=12)
    bars = density_bars(months, integers=True, skewed=False)
    assert [(low, high) for low, high, _ in bars] == [(m - 0.5, m + 0.5) for m in range(1, 13)]
    assert sum(density for _, _, density in bars) == pytest.approx(1)
    assert {round(density * 120) for _, _, density in bars[:4]} == {10}  # 1 to 4 are in the first bucket


def test_label_of_0_and_1_has_two_bars():
    counts = [75.0, *[0.01] * 8, 25.0]  # TFDV puts a small count into the buckets between them
    label = SplitStatistics(100, 0, Histogram([i / 10 for i in range(11)], counts))
    bars = density_bars(label, integers=True, skewed=False)
    assert [round(density, 2) for _, _, density in bars] == [0.75, 0.25]


def test_areas_are_fractions_of_the_values():
    split = SplitStatistics(10, 0, Histogram([0.0, 1.0, 5.0], [4.0, 6.0]))
    assert sum((high - low) * density for low, high, density in density_bars(split, False, False)) == pytest.approx(1)


def test_axis_shows_the_middle_where_a_few_values_are_far_away():
    tenths = Histogram([-40.0, -7, -5, -4, -3, -2, 0, 4, 12, 40, 1300.0], [10.0] * 10)
    delay = SplitStatistics(100, 0, Histogram([-40.0, 94, 1300.0], [97.0, 3.0]), tenths, min=-40, max=1300)
    drawn = str(distribution_chart(Feature("delay", "float", "feature", {"train": delay})))
    assert "… 1,300" in drawn
    assert "−40 …" in drawn or ">−30.5<" in drawn


def test_constant_feature_and_feature_without_values():
    constant = SplitStatistics(5, 0, Histogram([3.0, 3.0], [5.0]), min=3, max=3)
    assert "path" in distribution_chart(Feature("c", "float", "feature", {"train": constant}))
    assert "no values" in distribution_chart(Feature("n", "float", "feature", {"train": SplitStatistics(5, 5)}))


def test_most_frequent_values_and_the_number_of_others():
    names = SplitStatistics(100, 0, values=[(f"v{i}", 10.0) for i in range(8)], unique=30)
    drawn = distribution_chart(Feature("c", "categorical", "feature", {"train": names, "eval": names}))
    assert "and 24 more, 40%" in drawn
