"""How far an answer alone may be from the same in a batch."""

import numpy as np
import pytest

from flightline.components.serving_probe import MAX_BATCH_DIFFERENCE, max_difference


def answers(*values):
    return np.array(values, np.float32)[:, None]


@pytest.mark.parametrize(
    ("alone", "together", "same"),
    [
        (answers(0.5, 0.1), answers(0.5, 0.1 + 2e-5), True),
        (answers(0.5, 0.1), answers(0.5, 0.1002), False),
        (answers(18_000, 300), answers(18_001, 300), True),
        (answers(18_000, 300), answers(18_003, 300), False),
        (answers(18_000, 300), answers(18_000, 300.1), False),
        (answers(18_000, -1.23), answers(18_000, -1.2307), True),  # as float32 sums amounts up
        (answers(18_000, -1.23), answers(18_000, -1.27), False),
    ],
)
def test_differences_within_float32_rounding_count_as_equal(alone, together, same):
    assert (max_difference(alone, together) <= MAX_BATCH_DIFFERENCE) == same
