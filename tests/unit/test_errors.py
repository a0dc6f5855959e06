import pytest

from flightline.errors import ConfigError, DataBlocked, FlightlineError, InputError, NotBlessed, StepFailed, UsageError


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (FlightlineError, 1),
        (StepFailed, 1),
        (UsageError, 2),
        (ConfigError, 2),
        (InputError, 2),
        (DataBlocked, 3),
        (NotBlessed, 4),
    ],
)
def test_each_error_has_its_exit_code(kind, code):
    assert kind("x").exit_code == code


def test_an_error_is_one_line_with_its_fix():
    error = ConfigError("label: lat is not in\nthe schema", "did you\nmean late?")
    assert str(error) == "label: lat is not in the schema; did you mean late?"


def test_an_input_error_is_a_value_error():
    # so that code that knows nothing of ours can catch it as what it is
    assert issubclass(InputError, ValueError)
