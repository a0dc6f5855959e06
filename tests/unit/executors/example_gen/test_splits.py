from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx.components.example_gen.base_example_gen_executor import _PartitionFn
from tfx.proto import example_gen_pb2

from flightline.executors.example_gen.splits import hash_splits


@settings(deadline=None)
@given(st.lists(st.binary(), max_size=20), st.lists(st.integers(1, 2**28), min_size=1, max_size=5))
def test_splits_equal_those_of_the_stock_executor(keys, buckets):
    upper = list(accumulate(buckets))
    config = example_gen_pb2.SplitConfig()
    assert hash_splits(keys, buckets).tolist() == [_PartitionFn(key, len(upper), upper, config) for key in keys]


def test_refuses_more_buckets_than_it_can_divide_by():
    with pytest.raises(ValueError, match="add up to 8589934590"):
        hash_splits([b"x"], [2**32 - 1] * 2)
