"""How much the prediction of a single row may differ from that of the same row in a batch."""

import numpy as np
import pytest

from flightline.components.serving_probe import MAX_BATCH_DIFFERENCE, max_difference


def predictions(*values):
    return np.array(values, np.float32)[:, None]


@pytest.mark.parametrize(
    ("alone", "together", "same"),
    [
        (predictions(0.5, 0.1), predictions(0.5, 0.1 + 2e-5), True),
        (predictions(0.5, 0.1), predictions(0.5, 0.1002), False),
        (predictions(18_000, 300), predictions(18_001, 300), True),
        (predictions(18_000, 300), predictions(18_003, 300), False),
        (predictions(18_000, 300), predictions(18_000, 300.1), False),
        (predictions(18_000, -1.23), predictions(18_000, -1.2307), True),  # float32 rounding of a large sum
        (predictions(18_000, -1.23), predictions(18_000, -1.27), False),
    ],
)
def test_differences_within_float32_rounding_count_as_equal(alone, together, same):
    assert (max_difference(alone, together) <= MAX_BATCH_DIFFERENCE) == same
