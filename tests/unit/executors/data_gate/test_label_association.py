"""The association of features with the label; its loss is a finding."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.executors.data_gate.label_association import MIN_LABELLED_ROWS, feature_strengths, label_findings


def batch(**columns):
    """A batch with one value per row; None is a missing value."""
    rows = {name: [[] if v is None else [v] for v in values] for name, values in columns.items()}
    return pa.RecordBatch.from_pydict({name: pa.array(values) for name, values in rows.items()})


def table(rows=1000, noise=0.3, seed=0):
    random = np.random.default_rng(seed)
    delay = random.normal(size=rows)
    late = (delay + noise * random.normal(size=rows) > 0.8).astype(int)
    return delay, late, random


def test_a_perfect_predictor_has_strength_one_and_noise_almost_zero():
    delay, late, random = table(noise=0.0)
    found = feature_strengths([batch(delay=delay, noise=random.normal(size=1000), late=late)], "late")
    assert found["delay"] == pytest.approx(1.0)
    assert found["noise"] < 0.15
    assert "late" not in found


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), parts=st.integers(1, 4))
def test_strength_with_ties_and_missing_values_equals_scikit_learn(seed, parts):
    from sklearn.metrics import roc_auc_score

    delay, late, random = table(600, 1.0, seed)
    delay = delay.round(1)
    missing = random.random(600) < 0.2
    values = [None if is_missing else float(v) for is_missing, v in zip(missing, delay, strict=True)]
    cuts = np.array_split(np.arange(600), parts)
    batches = [batch(delay=[values[i] for i in cut], late=late[cut]) for cut in cuts]
    expected = 2 * abs(roc_auc_score(late[~missing], delay[~missing]) - 0.5)
    assert feature_strengths(batches, "late")["delay"] == pytest.approx(expected, abs=1e-9)


def test_too_few_rows_or_a_single_label_give_no_strength():
    delay, late, _ = table(MIN_LABELLED_ROWS - 1)
    assert feature_strengths([batch(delay=delay, late=late)], "late") == {}
    delay, late, _ = table()
    assert feature_strengths([batch(delay=delay, late=np.zeros(1000, int))], "late") == {}
    assert feature_strengths([batch(delay=delay)], "late") == {}


def test_a_lost_association_is_a_finding_and_a_weaker_one_is_not():
    [found] = label_findings({"delay": 0.02, "hour": 0.3}, {"delay": 0.8, "hour": 0.3})
    assert (found.feature, found.kind, found.blocks) == ("delay", "LABEL_ASSOCIATION_LOST", True)
    assert "strength (2·|AUC − 1/2|) 0.02, before 0.80" in found.problem
    assert label_findings({"delay": 0.55}, {"delay": 0.8}) == []
    assert label_findings({"delay": 0.01}, {"delay": 0.15}) == []  # the association was weak before
    assert label_findings({}, {}) == []
