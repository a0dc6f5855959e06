"""Candidate and champion in the Evaluator: intervals beside TFMA's files, and a confidence that blesses or does not."""

import json
import shutil
from pathlib import Path

import evaluation_data
import pytest
import tensorflow_model_analysis as tfma
from tfx.components.evaluator import executor
from tfx.dsl.components.base import base_beam_executor
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from flightline.components.executor_choice import select_executors
from flightline.components.fast_evaluator import Evaluator, FastEvaluatorExecutor
from flightline.config.engines import EngineConfig
from flightline.config.evaluation import EvaluationSettings
from flightline.errors import ConfigError, StepFailed
from flightline.executors.evaluator.comparison import COMPARISON_FILE
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.run import Run
from flightline.metadata.step import Step
from flightline.runs.evaluation_reader import read_evaluation
from models.evaluation import build_eval_config

SETTINGS = EvaluationSettings(slices=[["month"]], thresholds={"AUC": {"lower": 0.5, "vs_champion": 0.5}})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Examples, and two models, of which the candidate is the worse one."""
    folder = tmp_path_factory.mktemp("made")
    examples = evaluation_data.write_examples(folder / "examples")
    models = [evaluation_data.write_model(folder / str(seed), seed, noise=0.0) for seed in (1, 2)]
    [auc, _] = as_read(evaluate(folder / "first", (examples, *models))).differences
    return examples, *(models if auc.difference < 0 else reversed(models))


def evaluate(folder, made, confidence=None, examples=None, settings=SETTINGS):
    """Runs the Evaluator's executor; returns its execution."""
    config = build_eval_config("late", settings)
    execution = evaluation_data.make_execution(folder, examples or made[0], made[1], config, made[2])
    if confidence is not None:
        execution.properties["vs_champion_confidence"] = confidence
    FastEvaluatorExecutor(base_beam_executor.BaseBeamExecutor.Context()).Do(
        execution.inputs, execution.outputs, execution.properties
    )
    return execution


def as_read(execution) -> Evaluation:
    outputs = {key: [artifact.mlmd_artifact for artifact in some] for key, some in execution.outputs.items()}
    read = read_evaluation(
        Run("r", "p", 0, {"Evaluator": Step("Evaluator", 1, "COMPLETE", 0, 0, outputs=outputs)}), SETTINGS
    )
    assert read is not None
    return read


@pytest.fixture(scope="module")
def compared(made, tmp_path_factory):
    return evaluate(tmp_path_factory.mktemp("compared"), made)


def test_the_differences_are_kept_with_their_intervals(compared):
    kept = json.loads((Path(compared.evaluation) / COMPARISON_FILE).read_text())
    assert kept["rows"] == evaluation_data.ROWS
    evaluation = as_read(compared)
    assert [difference.metric for difference in evaluation.differences] == ["auc", "binary_accuracy"]
    for difference in evaluation.differences:
        measured = evaluation.metrics["overall"][difference.metric] - evaluation.champion["overall"][difference.metric]
        assert difference.difference == pytest.approx(measured, abs=1e-3)  # TFMA's AUC is one of 10,000 buckets
        assert difference.lower < difference.difference < difference.upper
    assert Evaluation.from_dict(json.loads(json.dumps(evaluation.to_dict()))) == evaluation


def test_the_interval_alone_does_not_change_the_verdict(compared):
    evaluation = as_read(compared)
    assert evaluation.differences[0].difference < 0
    assert compared.blessing.get_int_custom_property("blessed") == 1
    assert tfma.load_validation_result(compared.evaluation).validation_ok


def test_with_a_confidence_tfma_fails_a_candidate_that_may_be_worse(made, compared, tmp_path):
    [auc, _] = as_read(compared).differences
    allowed = -(auc.lower + auc.difference) / 2  # more than was lost, less than may have been
    settings = EvaluationSettings(thresholds={"AUC": {"vs_champion": allowed}})
    measured = evaluate(tmp_path / "measured", made, settings=settings)
    assert measured.blessing.get_int_custom_property("blessed") == 1
    doubted = evaluate(tmp_path / "doubted", made, confidence=0.95, settings=settings)
    assert doubted.blessing.get_int_custom_property("blessed") == 0
    validation = tfma.load_validation_result(doubted.evaluation)
    assert not validation.validation_ok
    evaluation = as_read(doubted)
    [miss] = evaluation.missed_thresholds
    assert (miss.metric, miss.slice, miss.against_champion, miss.confidence) == ("auc", "overall", True, 0.95)
    assert miss.value == pytest.approx(auc.lower)
    assert miss.sentence.startswith("the lower end of auc minus the champion's (95% interval) on overall is -0.")


def test_thresholds_against_the_champion_hold_on_every_slice_and_name_the_one_that_fell_short(made, compared, tmp_path):
    before = as_read(compared)
    slices = [name for name in before.metrics if name.startswith("month=")]
    worse = {name for name in slices if before.metrics[name]["auc"] < before.champion[name]["auc"]}
    assert worse
    no_loss = {"slice": ["month"], "thresholds": {"AUC": {"vs_champion": 0.0}}}
    held = evaluate(tmp_path, made, settings=EvaluationSettings(per_slice=[no_loss]))
    assert held.blessing.get_int_custom_property("blessed") == 0
    misses = as_read(held).missed_thresholds
    assert {miss.slice for miss in misses} == worse
    assert all(miss.against_champion for miss in misses)
    assert f"auc minus the champion's on {misses[0].slice} is -0." in misses[0].sentence


def test_a_confidence_that_cannot_be_reached_fails_the_step(made, tmp_path):
    elsewhere = tmp_path / "examples"
    shutil.copytree(made[0], elsewhere)
    for file in (elsewhere / "Split-eval").iterdir():
        file.unlink()  # nothing to score: stock would do the work
    with pytest.raises(StepFailed, match="vs_champion_confidence cannot be applied: there are no examples"):
        evaluate(tmp_path / "out", made, confidence=0.95, examples=str(elsewhere))


def test_the_component_has_a_confidence_parameter_that_the_stock_one_lacks():
    inputs = {"examples": Channel(standard_artifacts.Examples), "model": Channel(standard_artifacts.Model)}
    fast = select_executors(EngineConfig(), 0.9).Evaluator(**inputs, eval_config=build_eval_config("late", SETTINGS))
    assert isinstance(fast, Evaluator)
    assert fast.exec_properties["vs_champion_confidence"] == 0.9
    plain = select_executors(EngineConfig()).Evaluator(**inputs, eval_config=build_eval_config("late", SETTINGS))
    assert "vs_champion_confidence" not in plain.exec_properties
    assert executor.Executor in FastEvaluatorExecutor.__mro__
    with pytest.raises(ConfigError, match="vs_champion_confidence needs the score of every row"):
        select_executors(EngineConfig(executors="stock"), 0.9)
