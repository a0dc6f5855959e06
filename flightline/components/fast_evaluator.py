"""The standard Evaluator component, which computes TFMA's results in this process instead of on Beam.

Reads Examples, the model and, where there is one, the baseline model; writes ModelEvaluation and ModelBlessing. The
executor is the stock one with bins and gaps; its Beam pipeline is replaced by one that only writes results computed
before. What is not proven to be equal goes to the stock executor, with a warning that says why.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.dsl.components.base import executor_spec

from flightline.components.evaluator import SliceGapEvaluator, SliceGapExecutor
from flightline.components.tfx_internals.beam_executor import get_beam_arguments
from flightline.errors import PrivateApiChanged, StepFailed
from flightline.executors import progress
from flightline.executors.beam_runner import out_of_process_runner
from flightline.executors.evaluator.engine import evaluate
from flightline.executors.evaluator.job import VS_CHAMPION_CONFIDENCE, read_job
from flightline.executors.evaluator.result_writer import write_results
from flightline.executors.evaluator.supported_config import UnsupportedEvaluationError


class FastEvaluatorExecutor(SliceGapExecutor):
    """The stock executor, which does not use Beam for what `flightline.executors.evaluator` supports."""

    _write_results: Callable[[], None] | None = None

    def _evaluate(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        self._write_results = None
        try:
            if runner := out_of_process_runner(get_beam_arguments(self)):
                raise UnsupportedEvaluationError(f"the Beam arguments name {runner}")
            job = read_job(input_dict, output_dict, exec_properties, self._edges)
            results, comparison = evaluate(job, progress.report)
        except (UnsupportedEvaluationError, PrivateApiChanged) as reason:
            if exec_properties.get(VS_CHAMPION_CONFIDENCE) is not None:
                raise StepFailed(
                    f"evaluation.vs_champion_confidence cannot be applied: {reason}",
                    "fix that, or remove the key: the thresholds then apply to the difference as measured",
                ) from reason
            progress.warn_stock_executor("Evaluator", reason)
        else:
            self._write_results = lambda: write_results(job, results, comparison)
        super()._evaluate(input_dict, output_dict, exec_properties)

    def make_tfma_pipeline(self) -> AbstractContextManager[beam.Pipeline]:
        if self._write_results is None:
            return super().make_tfma_pipeline()
        return _WritePipeline(self._write_results)


class _WritePipeline(beam.Pipeline):
    """Ignores the transforms that the stock executor applies, and writes results computed before when it ends."""

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
        vs_champion_confidence: the confidence, below 1, with which the candidate must meet the thresholds that compare
            it with the champion; None compares the differences as measured.
        evaluator_args: arguments of `SliceGapEvaluator`.
    """

    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(FastEvaluatorExecutor)

    def __init__(self, vs_champion_confidence: float | None = None, **evaluator_args: Any) -> None:
        super().__init__(**evaluator_args)
        if vs_champion_confidence is not None:
            self.spec.exec_properties[VS_CHAMPION_CONFIDENCE] = vs_champion_confidence
