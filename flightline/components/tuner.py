"""TFX's Tuner that ends a run where no trial has completed, and keeps on record what the search came to.

The stock one finishes COMPLETE after a search of which every trial has failed, or breaks off with an IndexError.
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
    """The stock executor, with a look at its trials."""

    def Do(  # noqa: N802 - overrides
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Searches and writes; the stock executor documents the arguments.

        Raises:
            StepFailed: no trial has completed.
        """
        tuner = executor.search(input_dict, exec_properties, get_scratch_dir(self), print_tuning_summary=False)
        trials = list(tuner.oracle.trials.values())
        if not any(trial.status == _COMPLETED_STATUS for trial in trials):
            # The last line of a traceback says what was wrong.
            why = [line for trial in trials for line in (trial.message or "").strip().splitlines()[-1:]]
            raise StepFailed(
                f"no trial of the search completed, of {len(trials)}: {why[0] if why else 'they say nothing of why'}",
                "mend the settings that `tune.space` tries, or take `tune` out of the config",
            )
        executor.write_best_hyperparameters(tuner, output_dict)
        objective = tuner.oracle.objective.name
        found = TuningResult(
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
        results.set_string_custom_property(TUNING_PROPERTY, json.dumps(found.to_dict(), sort_keys=True))


class Tuner(component.Tuner):
    """`tfx.components.Tuner` with that executor; on record the same component."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(TunerExecutor)

    @classmethod
    def get_class_type(cls) -> str:
        """The type that ML Metadata records: that of the standard component, whose contract this is."""
        return component.Tuner.get_class_type()
