"""The search space: known settings, valid values, the config's own first."""

import pytest
from pydantic import ValidationError

from flightline.config.modeling import ModelSettings, TrainSettings
from flightline.config.tuning import DEFAULT_SEARCH_SPACE, TuneSettings
from flightline.modeling.search_space import apply_hyperparameters, hyperparameter_choices

BASE = ModelSettings(hidden=(96,)), TrainSettings(learning_rate=0.004)


def test_choices_start_with_the_value_of_the_config_and_have_one_type():
    found = hyperparameter_choices(DEFAULT_SEARCH_SPACE, *BASE)
    assert found["train.learning_rate"][0] == 0.004
    assert found["model.hidden"][0] == "[96]"
    assert found.keys() == DEFAULT_SEARCH_SPACE.keys()
    for values in found.values():
        assert len({type(value) for value in values}) == 1
        assert len(values) == len(set(values))


def test_every_value_of_the_default_space_is_valid():
    for name, values in hyperparameter_choices(DEFAULT_SEARCH_SPACE, *BASE).items():
        for value in values:
            model, train = apply_hyperparameters({name: value}, *BASE)
            section, _, key = name.partition(".")
            taken = getattr(model if section == "model" else train, key)
            assert taken == value or list(taken) == [int(n) for n in value.strip("[]").split(",")]


def test_no_hyperparameters_or_the_first_choices_change_nothing():
    assert apply_hyperparameters({}, *BASE) == BASE
    first = {name: values[0] for name, values in hyperparameter_choices(DEFAULT_SEARCH_SPACE, *BASE).items()}
    assert apply_hyperparameters(first, *BASE) == BASE


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"train.learning_rat": [0.1]}, "did you mean train.learning_rate"),
        ({"train.learning_rate": [-1]}, "greater than 0"),
        ({"model.hidden": [[0]]}, "at least one unit"),
        ({}, "at least 1 item"),
    ],
)
def test_an_invalid_space_is_refused(space, message):
    with pytest.raises(ValidationError, match=message):
        TuneSettings(space=space)
