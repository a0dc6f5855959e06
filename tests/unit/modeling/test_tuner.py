"""The budget of a search: trials, and minutes after which none begins."""

import time

import keras_tuner
import pytest

from flightline.config.tuning import TuneSettings
from flightline.modeling.tuner import _TimedRandomOracle


@pytest.fixture
def oracle(tmp_path):
    def of(**budget):
        space = keras_tuner.HyperParameters()
        space.Choice("train.epochs", [2, 1, 3], default=2)
        found = _TimedRandomOracle(TuneSettings(**budget), space, seed=7)
        found._set_project_dir(str(tmp_path), "search")
        return found

    return of


def asked(oracle):
    """What the next trial is of; None where none begins any more."""
    trial = oracle.create_trial("tuner0")
    if trial.status != "RUNNING":
        return None
    trial.status = "COMPLETED"
    trial.score = 0.5
    oracle.update_trial(trial.trial_id, {"val_loss": 0.5})
    oracle.end_trial(trial)
    return trial.hyperparameters.values["train.epochs"]


def test_the_first_trial_is_of_the_settings_as_they_are_and_none_begins_after_the_last(oracle):
    searched = oracle(trials=2)
    assert asked(searched) == 2
    assert asked(searched) in {1, 3}
    assert asked(searched) is None


def test_no_trial_begins_after_the_minutes_but_the_first_always_does(oracle, monkeypatch):
    searched = oracle(trials=3, minutes=5)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 5 * 60 + 1)
    assert asked(searched) == 2
    assert asked(searched) is None
