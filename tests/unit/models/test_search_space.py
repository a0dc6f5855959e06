"""What a search may try: settings that there are, values that they take, the config's own first."""

import pytest
from pydantic import ValidationError

from models.search_space import SPACE, TuneSettings, choices, with_values
from models.settings import ModelSettings, TrainSettings

BASE = ModelSettings(hidden=(96,)), TrainSettings(learning_rate=0.004)


def test_the_values_of_the_config_come_first_and_each_setting_has_one_type():
    found = choices(SPACE, *BASE)
    assert found["train.learning_rate"][0] == 0.004
    assert found["model.hidden"][0] == "[96]"
    assert found.keys() == SPACE.keys()
    for values in found.values():
        assert len({type(value) for value in values}) == 1
        assert len(values) == len(set(values))


def test_every_value_of_the_default_space_is_one_that_the_settings_take():
    for name, values in choices(SPACE, *BASE).items():
        for value in values:
            model, train = with_values({name: value}, *BASE)
            section, _, key = name.partition(".")
            taken = getattr(model if section == "model" else train, key)
            assert taken == value or list(taken) == [int(n) for n in value.strip("[]").split(",")]


def test_nothing_found_changes_nothing():
    assert with_values({}, *BASE) == BASE
    first = {name: values[0] for name, values in choices(SPACE, *BASE).items()}
    assert with_values(first, *BASE) == BASE


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
