"""TFX's Evaluator with a faster executor: same inputs, parameters and artifacts, and on record the same component.

The executor is the stock one (with bins and gaps), run from start to end, with its Beam pipeline replaced by one that
writes results computed without Beam. What is not proven equal runs in the stock executor unchanged, after a warning.
"""

from collections.abc import Callable
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.dsl.components.base import executor_spec

from flightline.components.evaluator import SliceGapEvaluator, SliceGapExecutor
from flightline.errors import StepFailed
from flightline.executors import progress
from flightline.executors.beam_runner import out_of_process_runner
from flightline.executors.evaluator.engine import evaluate
from flightline.executors.evaluator.job import VS_CHAMPION_CONFIDENCE, read_job
from flightline.executors.evaluator.result_writer import write_results as write
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError


class FastEvaluatorExecutor(SliceGapExecutor):
    """Evaluates in process; the artifacts are those of the stock executor."""

    _write_results: Callable[[], None] | None = None

    def _evaluate(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        self._write_results = None
        try:
            if runner := out_of_process_runner(self._beam_pipeline_args):
                raise UnsupportedEvaluationError(f"the Beam arguments name {runner}")
            job = read_job(input_dict, output_dict, exec_properties, self._edges)
            results, comparison = evaluate(job, progress.report)
        except UnsupportedEvaluationError as reason:
            if exec_properties.get(VS_CHAMPION_CONFIDENCE) is not None:
                raise StepFailed(
                    f"evaluation.vs_champion_confidence cannot be held: {reason}",
                    "mend that, or take the key out: thresholds then bound the difference as measured",
                ) from reason
            progress.warn(f"Evaluator runs the stock executor, which is slower: {reason}")
        else:
            self._write_results = lambda: write(job, results, comparison)
        super()._evaluate(input_dict, output_dict, exec_properties)

    def _make_tfma_pipeline(self) -> beam.Pipeline:
        if self._write_results is None:
            return super()._make_tfma_pipeline()
        return _WritePipeline(self._write_results)


class _WritePipeline(beam.Pipeline):
    """Takes the transforms the stock executor applies, does not expand them, and writes the results at its end."""

    def __init__(self, write_results: Callable[[], None]) -> None:
        super().__init__(argv=[])
        self._write_results = write_results

    def apply(self, transform: Any, pvalueish: Any = None, label: str | None = None) -> beam.pvalue.PCollection:
        del transform, pvalueish, label
        return beam.pvalue.PCollection(self)

    def __enter__(self) -> "_WritePipeline":
        return self

    def __exit__(self, exc_type: type[BaseException] | None, *exc_info: object) -> None:
        if exc_type is None:
            self._write_results()


class Evaluator(SliceGapEvaluator):
    """`tfx.components.Evaluator` with the fast executor.

    Args:
        vs_champion_confidence: with which the candidate must not be worse than thresholds against the champion allow.
        others: what `JudgingEvaluator` takes.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(FastEvaluatorExecutor)

    def __init__(self, vs_champion_confidence: float | None = None, **others: Any) -> None:
        super().__init__(**others)
        if vs_champion_confidence is not None:
            self.spec.exec_properties[VS_CHAMPION_CONFIDENCE] = vs_champion_confidence
