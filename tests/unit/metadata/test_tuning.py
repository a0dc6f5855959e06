"""What a search came to, in words."""

from flightline.metadata.tuning import Trial, TuningResult

FIRST = Trial("00", {"train.epochs": 2, "model.dropout": 0.2}, 0.3)
BETTER = Trial("01", {"train.epochs": 3, "model.dropout": 0.2}, 0.25)
FAILED = Trial("02", {"train.epochs": 1, "model.dropout": 0.5}, None)


def test_the_best_trial_and_what_it_changes():
    search = TuningResult("val_loss", [FIRST, FAILED, BETTER])
    assert search.description == (
        "3 trials (1 failed): val_loss 0.30000 as the config has it, 0.25000 with train.epochs 3"
    )
    assert search.by_score == [BETTER, FIRST, FAILED]


def test_where_nothing_is_better_it_says_so():
    assert (
        TuningResult("val_loss", [FIRST]).description
        == "1 trial: val_loss 0.30000 as the config has it, nothing better"
    )


def test_it_reads_back_equal():
    search = TuningResult("val_loss", [FIRST, FAILED])
    assert TuningResult.from_dict(search.to_dict()) == search
