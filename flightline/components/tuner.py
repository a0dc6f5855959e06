"""The standard Tuner, which fails if no trial completed and records the result of the search.

Reads transformed Examples and the transform graph; writes HyperParameters and TunerResults, with all trials as a custom
property. TFX's own Tuner succeeds, or fails with an IndexError, after a search of which every trial failed.
"""

from __future__ import annotations

import json
from typing import Any

from tfx import types
from tfx.components.tuner import component, executor
from tfx.dsl.components.base import executor_spec
from tfx.types import standard_component_specs as keys

from flightline.components.tfx_internals.base_executor import get_scratch_dir
from flightline.errors import StepFailed
from flightline.metadata.tuning import TUNING_PROPERTY, Trial, TuningResult

_COMPLETED_STATUS = "COMPLETED"


class TunerExecutor(executor.Executor):
    """The stock executor, which checks and records the trials."""

    def Do(  # noqa: N802 - overrides
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Searches and writes; the stock executor documents the arguments.

        Raises:
            StepFailed: no trial completed.
        """
        tuner = executor.search(input_dict, exec_properties, get_scratch_dir(self), print_tuning_summary=False)
        trials = list(tuner.oracle.trials.values())
        if not any(trial.status == _COMPLETED_STATUS for trial in trials):
            # The last line of a traceback has the error.
            errors = [line for trial in trials for line in (trial.message or "").strip().splitlines()[-1:]]
            first = errors[0] if errors else "no error was recorded"
            raise StepFailed(
                f"none of the {len(trials)} trials of the search completed: {first}",
                "fix the values in `tune.space`, or remove `tune` from the config",
            )
        executor.write_best_hyperparameters(tuner, output_dict)
        objective = tuner.oracle.objective.name
        result = TuningResult(
            objective,
            [
                Trial(
                    trial.trial_id,
                    dict(trial.hyperparameters.values),
                    trial.score if trial.status == _COMPLETED_STATUS else None,
                )
                for trial in trials
            ],
        )
        [results] = output_dict[keys.TUNER_RESULTS_KEY]
        results.set_string_custom_property(TUNING_PROPERTY, json.dumps(result.to_dict(), sort_keys=True))


class Tuner(component.Tuner):
    """`tfx.components.Tuner` with that executor; ML Metadata records it as the standard component."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TunerExecutor)

    @classmethod
    def get_class_type(cls) -> str:
        """The type that ML Metadata records: that of the standard component, whose contract this is."""
        return component.Tuner.get_class_type()
