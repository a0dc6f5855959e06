"""The budget of a search: a number of trials, and minutes after which none starts."""

import time

import keras_tuner
import pytest

from flightline.config.tuning import TuneSettings
from flightline.modeling.tuning import _TimedRandomOracle


@pytest.fixture
def oracle(tmp_path):
    def of(**budget):
        space = keras_tuner.HyperParameters()
        space.Choice("train.epochs", [2, 1, 3], default=2)
        found = _TimedRandomOracle(TuneSettings(**budget), space, seed=7)
        found._set_project_dir(str(tmp_path), "search")
        return found

    return of


def next_epochs(oracle):
    """The value that the next trial tries; None where no trial starts."""
    trial = oracle.create_trial("tuner0")
    if trial.status != "RUNNING":
        return None
    trial.status = "COMPLETED"
    trial.score = 0.5
    oracle.update_trial(trial.trial_id, {"val_loss": 0.5})
    oracle.end_trial(trial)
    return trial.hyperparameters.values["train.epochs"]


def test_the_first_trial_has_the_settings_of_the_config_and_the_last_ends_the_search(oracle):
    oracle_ = oracle(max_trials=2)
    assert next_epochs(oracle_) == 2
    assert next_epochs(oracle_) in {1, 3}
    assert next_epochs(oracle_) is None


def test_no_trial_starts_after_max_minutes_except_the_first(oracle, monkeypatch):
    oracle_ = oracle(max_trials=3, max_minutes=5)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 5 * 60 + 1)
    assert next_epochs(oracle_) == 2
    assert next_epochs(oracle_) is None
