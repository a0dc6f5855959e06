"""Each config can be read, fits its schema, and has thresholds that a model must meet."""

from flightline.config.loader import check_against_schema, require_thresholds


def test_the_config_fits_its_schema(load):
    check_against_schema(load())


def test_a_model_must_meet_thresholds_to_be_released(load):
    require_thresholds(load())
