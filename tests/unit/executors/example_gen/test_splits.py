from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx.components.example_gen.base_example_gen_executor import _PartitionFn
from tfx.proto import example_gen_pb2

from flightline.executors.example_gen.splits import hash_splits


@settings(deadline=None)
@given(st.lists(st.binary(), max_size=20), st.lists(st.integers(1, 2**28), min_size=1, max_size=5))
def test_rows_are_assigned_to_splits_as_in_stock(keys, buckets):
    upper = list(accumulate(buckets))
    config = example_gen_pb2.SplitConfig()
    assert hash_splits(keys, buckets).tolist() == [_PartitionFn(key, len(upper), upper, config) for key in keys]


def test_too_many_hash_buckets_are_refused():
    with pytest.raises(ValueError, match="add up to 8589934590"):
        hash_splits([b"x"], [2**32 - 1] * 2)
