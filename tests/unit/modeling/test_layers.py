import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from flightline.modeling.layers import CrossIndex, PiecewiseLinear


@given(st.lists(st.floats(0, 1, width=32), min_size=2, max_size=2), st.integers(1, 40))
def test_piecewise_linear_encoding_fills_bins_from_the_left(positions, bins):
    encoded = np.array(PiecewiseLinear(bins)(np.float32([positions]))).reshape(2, bins)
    np.testing.assert_allclose(encoded.sum(axis=1), np.multiply(positions, bins), atol=1e-4)
    assert (np.diff(encoded, axis=1) <= 0).all()


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_each_combination_of_ids_has_one_embedding_row(sizes):
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
