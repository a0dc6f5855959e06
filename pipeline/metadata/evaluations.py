"""What the Evaluator measured, kept as a property of its artifact: ML Metadata answers then without TensorFlow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import ml_metadata as mlmd

from pipeline.metadata.store import properties_of
from pipeline.verdict import Evaluation

if TYPE_CHECKING:
    from pipeline.metadata.run import Run

PROPERTY = "evaluation"


def keep_evaluation(store: mlmd.MetadataStore, run: Run, evaluation: Evaluation) -> None:
    """Adds the evaluation to the run's ModelEvaluation artifact."""
    artifact = run.steps["Evaluator"].output("evaluation")
    if artifact is not None:
        artifact.custom_properties[PROPERTY].string_value = json.dumps(evaluation.to_dict(), sort_keys=True)
        store.put_artifacts([artifact])


def evaluation_of(run: Run) -> Evaluation | None:
    """What the run's Evaluator measured; None where it did not get that far, or another runner than ours ran it."""
    step = run.steps.get("Evaluator")
    artifact = step.output("evaluation") if step and step.done else None
    text = properties_of(artifact).get(PROPERTY) if artifact else None
    return Evaluation.from_dict(json.loads(text)) if text else None
