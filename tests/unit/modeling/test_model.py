import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.config.feature_plan import CategoricalFeature, FeaturePlan, NumericFeature
from flightline.config.modeling import FeatureSettings, ModelSettings
from flightline.modeling.layers import CrossIndex, PiecewiseLinear
from flightline.modeling.model import build_model, choose_crosses

PLAIN = ModelSettings(cross_order=1, projection=0, cross_layers=0, hidden=(64, 32), dropout=0)


def plan(numbers=(), categories=(), **changed):
    shared = FeatureSettings().model_dump(include=set(FeaturePlan.model_fields)) | changed
    return FeaturePlan(
        label="y",
        label_type="INT",
        numbers=[NumericFeature(name=f"n{i}", optional=optional) for i, optional in enumerate(numbers)],
        categories=[CategoricalFeature(name=f"c{i}", source="vocabulary") for i in range(len(categories))],
        **shared,
    )


@pytest.mark.parametrize("shape", [ModelSettings(), PLAIN, ModelSettings(wide=False, hidden=())])
@pytest.mark.parametrize("bins", [0, 8])
@pytest.mark.parametrize(("numbers", "sizes"), [((True, False), (3, 4)), ((False,), ()), ((), (5,)), ((True,), (2, 2))])
def test_every_kind_of_table_builds_and_predicts(shape, bins, numbers, sizes):
    model = build_model(plan(numbers, sizes, quantile_bins=bins), shape, sizes)
    batch = {"numbers": np.zeros((5, len(numbers)), "f4"), "categories": np.zeros((5, len(sizes)), "i4")}
    logits = model({name: matrix for name, matrix in batch.items() if matrix.shape[1]})
    assert logits.shape == (5, 1)


def test_missing_numbers_change_the_prediction_and_never_spoil_it():
    model = build_model(plan((True,)), ModelSettings(), ())
    missing, zero = model({"numbers": np.float32([[np.nan], [0]])}).numpy().ravel()
    assert np.isfinite(missing)
    assert missing != zero


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2), st.integers(1, 40))
def test_piecewise_linear_encoding_fills_bins_from_the_left(positions, bins):
    encoded = np.array(PiecewiseLinear(bins)(np.float32([positions]))).reshape(2, bins)
    np.testing.assert_allclose(encoded.sum(axis=1), np.multiply(positions, bins), atol=1e-4)
    assert (np.diff(encoded, axis=1) <= 0).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_every_combination_of_ids_has_a_row_of_its_own(sizes):
    crosses = [c for order in (2, 3) for c in itertools.combinations(range(len(sizes)), order)]
    index = CrossIndex(sizes, crosses)
    ids = np.int32(list(itertools.product(*map(range, sizes))))
    rows = np.array(index(ids))
    owners = {}
    for id_row, table_rows in zip(ids, rows, strict=True):
        for members, row in zip([(i,) for i in range(len(sizes))] + crosses, table_rows, strict=True):
            owners.setdefault(int(row), set()).add((members, tuple(id_row[list(members)])))
    assert sorted(owners) == list(range(index.rows))
    assert all(len(owner) == 1 for owner in owners.values())


def test_crosses_are_pairs_first_then_small_ones_first():
    sizes = (3, 10, 4, 1000)
    assert choose_crosses(sizes, ModelSettings(cross_order=2, max_cross_size=100)) == [(0, 2), (0, 1), (1, 2)]
    assert choose_crosses(sizes, ModelSettings(max_cross_size=120))[3:] == [(0, 1, 2)]
    assert choose_crosses(sizes, ModelSettings(max_crosses=1)) == [(0, 2)]
    assert choose_crosses(sizes, PLAIN) == []
    assert choose_crosses((5,), ModelSettings()) == []
