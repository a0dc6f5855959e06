"""Gaps between slices: which slices are compared, which gap is too wide; a gap without a value fails."""

import pytest

from flightline.config.evaluation import EvaluationSettings
from flightline.executors.evaluator.slice_gaps import gaps_from_property, gaps_to_property, measure_gaps
from flightline.metadata.evaluation import Evaluation

SLICES = [
    ([], {"auc": 0.9, "binary_crossentropy": 0.3, "example_count": 2000.0}),
    ([("carrier", "AA")], {"auc": 0.95, "binary_crossentropy": 0.2, "example_count": 1200.0}),
    ([("carrier", "F9")], {"auc": 0.88, "binary_crossentropy": 0.4, "example_count": 700.0}),
    ([("carrier", "HA")], {"auc": 0.10, "binary_crossentropy": 0.1, "example_count": 99.0}),
    ([("carrier", "F9"), ("origin", "EWR")], {"auc": 0.5, "binary_crossentropy": 9.0, "example_count": 700.0}),
]


def measure_gap(metric="AUC", slices=SLICES, **bounds):
    settings = EvaluationSettings(
        gaps={metric: {"columns": "carrier", "max_gap": 0.05, "min_slice_size": 100, **bounds}}
    )
    (found,) = measure_gaps(settings.gaps, slices)
    return found


def test_a_gap_is_between_the_best_and_the_worst_slice_with_enough_rows():
    found = measure_gap()
    assert (found.best, found.worst, found.slices) == ("carrier=AA", "carrier=F9", 2)
    assert found.value == pytest.approx(0.07)
    assert not found.within_limit
    text = "between carrier=AA (0.9500, 1,200 rows) and carrier=F9 (0.8800, 700 rows), must be ≤ 0.05 (missed by 0.02)"
    assert found.missed_threshold.sentence == f"the gap in auc by carrier is 0.07 {text}"
    assert measure_gap(max_gap=0.08).within_limit


def test_the_best_slice_has_the_lowest_loss():
    found = measure_gap("BinaryCrossentropy")
    assert (found.best, found.worst) == ("carrier=AA", "carrier=F9")
    assert found.value == pytest.approx(0.2)


def test_min_slice_size_includes_smaller_slices():
    assert measure_gap(min_slice_size=99).worst == "carrier=HA"


@pytest.mark.parametrize(
    ("slices", "message"),
    [
        (SLICES[:2], "it needs two slices of 100 rows, there are 1"),
        ([], "it needs two slices of 100 rows, there are 0"),
        ([*SLICES, ([("carrier", "OO")], {"example_count": 400.0})], "no auc on carrier=OO"),
    ],
)
def test_a_gap_that_cannot_be_measured_is_not_met(slices, message):
    found = measure_gap(slices=slices, max_gap=1)
    assert found.value is None
    assert not found.within_limit
    assert message in found.missed_threshold.sentence


def test_a_gap_is_measured_between_slices_of_the_same_columns():
    pairs = [[("carrier", "F9"), ("origin", name)] for name in ("JFK", "LGA")]
    more = [(pair, {"auc": 0.6 + i / 10, "example_count": 500.0}) for i, pair in enumerate(pairs)]
    found = measure_gap(slices=[*SLICES, *more], columns=["origin", "carrier"])
    assert (found.best, found.worst) == ("carrier=F9,origin=LGA", "carrier=F9,origin=EWR")


def test_bounds_and_gaps_equal_their_round_trips():
    bounds = EvaluationSettings(
        gaps={"AUC": [{"columns": "a", "max_gap": 0.1}, {"columns": ["a", "b"], "max_gap": 0}]}
    ).gaps
    assert gaps_from_property(gaps_to_property(bounds)) == {metric: list(some) for metric, some in bounds.items()}
    found = measure_gap()
    kept = Evaluation({}, {}, [found.missed_threshold], False, [], gaps=[found])
    assert Evaluation.from_dict(kept.to_dict()) == kept
