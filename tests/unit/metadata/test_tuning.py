"""Results of a hyperparameter search, in words and as data."""

from flightline.metadata.tuning import Trial, TuningResult

FIRST = Trial("00", {"train.epochs": 2, "model.dropout": 0.2}, 0.3)
BETTER = Trial("01", {"train.epochs": 3, "model.dropout": 0.2}, 0.25)
FAILED = Trial("02", {"train.epochs": 1, "model.dropout": 0.5}, None)


def test_description_names_the_best_trial_and_its_changed_settings():
    search = TuningResult("val_loss", [FIRST, FAILED, BETTER])
    assert search.description == (
        "3 trials (1 failed): val_loss 0.30000 with the configured settings, 0.25000 with train.epochs 3"
    )
    assert search.by_score == [BETTER, FIRST, FAILED]


def test_description_says_that_no_trial_was_better():
    assert (
        TuningResult("val_loss", [FIRST]).description
        == "1 trial: val_loss 0.30000 with the configured settings, no trial is better"
    )


def test_result_is_read_back_equal():
    search = TuningResult("val_loss", [FIRST, FAILED])
    assert TuningResult.from_dict(search.to_dict()) == search
