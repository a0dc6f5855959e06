"""What enters the cache keys of the steps that transform, search and train: only what they compute with."""

import pytest

from flightline.utils.import_graph import import_closure

PACKAGES = {
    "flightline",
    "flightline.config",
    "flightline.modeling",
    "flightline.serving",
    "flightline.utils",
    "models",
}
PLAN = {"flightline.config.feature_plan", "flightline.config.section", "flightline.serving.target"}


def modules_outside(module, *rooms):
    """The modules of the closure of `module`, without packages and those in `rooms`."""
    found = set(import_closure([module])) - PACKAGES
    return {name for name in found if not any(name == room or name.startswith(f"{room}.") for room in rooms)}


def test_transform_is_keyed_by_the_plan_and_its_transformations():
    assert modules_outside("models.preprocessing", "models") == PLAN | {"flightline.modeling.transforms"}


@pytest.mark.parametrize(
    ("module", "more"),
    [
        (
            "models.trainer",
            {"flightline.errors", "flightline.utils.private_api"},
        ),  # how scikit-learn's trees are read
        ("models.tuner", {"flightline.config.tuning", "flightline.utils.suggestions"}),
    ],
)
def test_training_and_search_are_keyed_by_their_settings_and_modeling(module, more):
    assert modules_outside(module, "models", "flightline.modeling") == PLAN | {"flightline.config.modeling"} | more


def test_the_tuner_component_is_keyed_by_its_executor_and_the_form_of_its_result():
    assert modules_outside("flightline.components.tuner", "flightline.components.tfx_internals") == {
        "flightline.components",
        "flightline.components.tuner",
        "flightline.errors",
        "flightline.metadata",
        "flightline.metadata.tuning",
        "flightline.utils.private_api",
    }
