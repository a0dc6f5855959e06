"""What the report says of a metric, and of the slices that it draws."""

from report_examples import make_report_data, make_summary

from flightline.metadata.evaluation import Evaluation, MissedThreshold
from flightline.reporting.html.charts.slices import group_slices
from flightline.reporting.html.render import render_report
from flightline.reporting.html.view_model import metric_rows

AMOUNTS = {"root_mean_squared_error": 378.3, "example_count": 900.0}
BOUNDS = {"root_mean_squared_error": "≤ 806"}


def held(*misses):
    """An amount's evaluation with these misses."""
    champion = {"overall": {**AMOUNTS, "root_mean_squared_error": 300.0}}
    return Evaluation({"overall": AMOUNTS}, champion, list(misses), not misses, [], BOUNDS)


def test_a_metric_that_is_worse_than_the_champions_has_kept_its_own_bound():
    evaluation = held(MissedThreshold("root_mean_squared_error", "overall", 78.3, "≤", 0.0, against_champion=True))
    [row] = metric_rows(evaluation)
    assert (row.bound, row.missed, row.behind) == ("≤ 806", False, "difference ≤ 0")
    page = render_report(make_report_data(summary=make_summary(evaluation=evaluation, release=None, exit_code=4)))
    assert "≤ 806 ✓<br>difference ≤ 0 ✕" in page


def test_a_metric_that_misses_its_own_bound():
    [row] = metric_rows(held(MissedThreshold("root_mean_squared_error", "overall", 900.0, "≤", 806.0)))
    assert (row.missed, row.behind) == (True, "")


def test_a_miss_by_confidence_is_of_the_lower_end():
    missed = MissedThreshold(
        "root_mean_squared_error", "overall", -1.0, "≥", 0.0, against_champion=True, confidence=0.95
    )
    [row] = metric_rows(held(missed))
    assert row.behind == "lower end of the difference (95% interval) ≥ 0"


def test_a_value_with_a_line_break_is_one_of_its_column():
    names = ["city=New\nYork", "city=Bonn", "city=Rome\n", "city=a\nb,day=1", "city=c=d,day=2"]
    groups = group_slices(Evaluation({"overall": {}, **{name: {} for name in names}}, {}, [], True, []))
    assert {group.columns: len(group.names) for group in groups} == {"city": 3, "city × day": 2}
