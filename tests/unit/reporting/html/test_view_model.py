"""The rows of the metrics table, and the groups of slices."""

from report_examples import make_report_data, make_summary

from flightline.metadata.evaluation import Evaluation, MissedThreshold
from flightline.reporting.html.charts.slices import group_slices
from flightline.reporting.html.render import render_report
from flightline.reporting.html.view_model import metric_rows

METRICS = {"root_mean_squared_error": 378.3, "example_count": 900.0}
BOUNDS = {"root_mean_squared_error": "≤ 806"}


def evaluation_with(*missed):
    """The evaluation of a regression that missed these thresholds."""
    champion = {"overall": {**METRICS, "root_mean_squared_error": 300.0}}
    return Evaluation({"overall": METRICS}, champion, list(missed), not missed, [], BOUNDS)


def test_metric_worse_than_the_champion_can_be_within_its_bound():
    evaluation = evaluation_with(
        MissedThreshold("root_mean_squared_error", "overall", 78.3, "≤", 0.0, against_champion=True)
    )
    [row] = metric_rows(evaluation)
    assert (row.bound, row.missed_bound, row.missed_difference) == ("≤ 806", False, "difference ≤ 0")
    page = render_report(make_report_data(summary=make_summary(evaluation=evaluation, release=None, exit_code=4)))
    assert "≤ 806 ✓<br>difference ≤ 0 ✕" in page


def test_metric_outside_its_bound():
    [row] = metric_rows(evaluation_with(MissedThreshold("root_mean_squared_error", "overall", 900.0, "≤", 806.0)))
    assert (row.missed_bound, row.missed_difference) == (True, "")


def test_difference_with_confidence_is_of_the_lower_end():
    missed = MissedThreshold(
        "root_mean_squared_error", "overall", -1.0, "≥", 0.0, against_champion=True, confidence=0.95
    )
    [row] = metric_rows(evaluation_with(missed))
    assert row.missed_difference == "lower end of the difference (95% interval) ≥ 0"


def test_slice_values_may_contain_line_breaks_and_separators():
    names = ["city=New\nYork", "city=Bonn", "city=Rome\n", "city=a\nb,day=1", "city=c=d,day=2"]
    groups = group_slices(Evaluation({"overall": {}, **{name: {} for name in names}}, {}, [], True, []))
    assert {group.columns: len(group.names) for group in groups} == {"city": 3, "city × day": 2}
