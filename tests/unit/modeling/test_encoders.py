from flightline.config.modeling import ModelSettings
from flightline.modeling.encoders import choose_crosses

NO_CROSSES = ModelSettings(cross_order=1)


def test_crosses_are_pairs_first_then_small_ones_first():
    sizes = (3, 10, 4, 1000)
    assert choose_crosses(sizes, ModelSettings(cross_order=2, max_cross_size=100)) == [(0, 2), (0, 1), (1, 2)]
    assert choose_crosses(sizes, ModelSettings(max_cross_size=120))[3:] == [(0, 1, 2)]
    assert choose_crosses(sizes, ModelSettings(max_crosses=1)) == [(0, 2)]
    assert choose_crosses(sizes, NO_CROSSES) == []
    assert choose_crosses((5,), ModelSettings()) == []
