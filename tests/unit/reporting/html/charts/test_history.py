"""The chart of values over windows."""

from __future__ import annotations

from flightline.reporting.html.charts.history import history_chart


def test_each_series_is_a_line_with_its_name_and_values():
    drawn = history_chart("AUC", ["one", "two", "three"], {"served": [0.9, 0.92, 0.91], "shadow": [0.9, 0.88, 0.87]})
    assert drawn.count('class="curve series0"') == 1
    assert drawn.count('class="curve series1"') == 1
    assert drawn.count("<circle") == 6
    assert "served, two: 0.92" in drawn


def test_missing_value_splits_a_line():
    drawn = history_chart("AUC", ["1", "2", "3", "4"], {"served": [0.9, None, 0.91, 0.92]})
    assert drawn.count('class="curve series0"') == 2
    assert drawn.count("<circle") == 3


def test_chart_without_values_is_empty():
    assert history_chart("AUC", ["1"], {"served": [None]}) == ""
    assert history_chart("AUC", [], {}) == ""


def test_names_are_escaped():
    drawn = history_chart("x", ["<1>"], {"<b>bold</b>": [1.0]}, threshold=2.0)
    assert "<b>" not in drawn
    assert "threshold" in drawn
