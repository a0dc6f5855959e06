"""What a search may try: settings that there are, values that they take, the config's own first."""

import pytest
from pydantic import ValidationError

from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.config.tuning import DEFAULT_SEARCH_SPACE, TuneSettings
from flightline.modeling.search_space import apply_hyperparameters, hyperparameter_choices

BASE = ModelSettings(hidden=(96,)), TrainSettings(learning_rate=0.004)


def test_the_values_of_the_config_come_first_and_each_setting_has_one_type():
    found = hyperparameter_choices(DEFAULT_SEARCH_SPACE, *BASE)
    assert found["train.learning_rate"][0] == 0.004
    assert found["model.hidden"][0] == "[96]"
    assert found.keys() == DEFAULT_SEARCH_SPACE.keys()
    for values in found.values():
        assert len({type(value) for value in values}) == 1
        assert len(values) == len(set(values))


def test_every_value_of_the_default_space_is_one_that_the_settings_take():
    for name, values in hyperparameter_choices(DEFAULT_SEARCH_SPACE, *BASE).items():
        for value in values:
            model, train = apply_hyperparameters({name: value}, *BASE)
            section, _, key = name.partition(".")
            taken = getattr(model if section == "model" else train, key)
            assert taken == value or list(taken) == [int(n) for n in value.strip("[]").split(",")]


def test_nothing_found_changes_nothing():
    assert apply_hyperparameters({}, *BASE) == BASE
    first = {name: values[0] for name, values in hyperparameter_choices(DEFAULT_SEARCH_SPACE, *BASE).items()}
    assert apply_hyperparameters(first, *BASE) == BASE


@pytest.mark.parametrize(
    ("space", "told"),
    [
        ({"train.learning_rat": [0.1]}, "did you mean train.learning_rate"),
        ({"train.learning_rate": [-1]}, "greater than 0"),
        ({"model.hidden": [[0]]}, "at least one unit"),
        ({}, "at least 1 item"),
    ],
)
def test_a_space_that_cannot_be_tried_is_refused(space, told):
    with pytest.raises(ValidationError, match=told):
        TuneSettings(space=space)
