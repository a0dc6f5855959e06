"""A search for settings: within its budget, given to the Trainer, reused, and a failure where nothing completes."""

import json
from pathlib import Path

SEARCH = "tune={max_trials: 2, space: {train.learning_rate: [0.003], train.epochs: [1]}}"


def test_a_search_is_used_shown_and_reused(run, trained, flights_sample, command):
    unreachable = "evaluation.thresholds={AUC: {lower: 0.9999}}"  # so that other tests keep their champion
    first = run(trained.workspace, flights_sample, "searched", settings=(SEARCH, unreachable))
    assert first.code == 4, first.err
    search = first.summary["search"]
    assert [trial["score"] is not None for trial in search["trials"]] == [True, True]
    best = min(search["trials"], key=lambda trial: trial["score"])
    assert "Tuning   2 trials: val_loss " in first.out
    assert first.steps["Tuner"].output("best_hyperparameters").type == "HyperParameters"
    record = next(iter(first.steps["Trainer"].outputs["model_run"])).uri
    trained_with = json.loads((Path(record) / "training.json").read_text())
    # The same rows, seed and settings: the Trainer comes to the loss of the best trial.
    assert abs(min(epoch["val_loss"] for epoch in trained_with["history"]) - best["score"]) < 1e-4
    shown = command(trained.workspace, "show", "searched").stdout
    assert f"{best['score']:.5f}" in shown
    assert "Hyperparameter search" in (first.folder / "report.html").read_text()

    again = run(
        trained.workspace, flights_sample, "reused", settings=(SEARCH, "evaluation.thresholds={AUC: {lower: 0.999}}")
    )
    assert again.code == 4, again.err
    assert again.steps["Tuner"].state == "CACHED"
    assert again.summary["search"] == search


def test_where_no_trial_completes_the_run_fails_with_one_line(run, trained, flights_sample, tmp_path):
    (tmp_path / "failing.py").write_text(
        "from models import tuner\n"
        "def tuner_fn(fn_args):\n"
        "    found = tuner.tuner_fn(fn_args)\n"
        "    def run_trial(*_, **__):\n"
        "        raise MemoryError('the model does not fit')\n"
        "    found.tuner.run_trial = run_trial\n"
        "    return found\n"
    )
    options = ("--set", SEARCH, "--set", "user_code.tuner_fn=failing.tuner_fn")
    result = run(trained.workspace, flights_sample, "failing", *options, modules=tmp_path)
    assert result.code == 1
    assert "none of the 2 trials of the search completed: MemoryError: the model does not fit" in result.last_line
    assert "Trainer" not in result.steps
