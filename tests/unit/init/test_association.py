import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.init.association import auc, measure_association
from flightline.init.table_reader import Column
from flightline.init.target import InferredTarget

ROWS = 400
RANDOM = np.random.default_rng(5)


def column(values, kind="float"):
    distinct, codes = np.unique(np.asarray(values), return_inverse=True)
    return Column("x", kind, distinct, codes.astype(np.int32))


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40))
def test_auc_equals_that_of_scikit_learn(pairs):
    from sklearn.metrics import roc_auc_score

    positive, scores = (np.array(one) for one in zip(*pairs, strict=True))
    if 0 < positive.sum() < len(positive):
        assert np.isclose(auc(positive, scores), roc_auc_score(positive, scores))


def test_noise_has_no_association_and_a_copy_is_a_leak_for_every_task():
    tasks = {
        "binary": column(RANDOM.integers(0, 2, ROWS), "int"),
        "multiclass": column(RANDOM.integers(0, 5, ROWS), "int"),
        "regression": column(RANDOM.normal(size=ROWS)),
    }
    noise = column(RANDOM.normal(size=ROWS))
    unique_ids = column([f"u{row}" for row in range(ROWS)], "bytes")
    for task, label in tasks.items():
        target = InferredTarget("y", task, "")
        assert measure_association(label, label, target).is_leak
        for feature in (noise, unique_ids):
            found = measure_association(feature, label, target)
            assert not found.strong
            assert abs(found.value - (0.5 if found.measure == "AUC" else 0.0)) < 0.15


def test_a_non_monotonic_association_is_detected():
    values = RANDOM.normal(size=ROWS)
    found = measure_association(
        column(values), column((np.abs(values) > 0.7).astype(int), "int"), InferredTarget("y", "binary", "")
    )
    assert found.strong


def test_too_few_rows_have_no_association():
    few = column(range(20), "int")
    assert measure_association(few, few, InferredTarget("y", "regression", "")) is None
