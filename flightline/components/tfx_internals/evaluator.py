"""TFX's Evaluator executor: the method in which it makes the Beam pipeline that computes and writes TFMA's results."""

from __future__ import annotations

from contextlib import AbstractContextManager

import apache_beam as beam
from tfx.components.evaluator import executor as stock


class EvaluatorExecutor(stock.Executor):
    """TFX's executor, whose Beam pipeline a subclass may replace.

    `BEAM_EXECUTOR` in `tfx_internals.beam_executor` checks that TFX has the method.
    """

    def make_evaluation_pipeline(self) -> AbstractContextManager[beam.Pipeline]:
        """Makes the pipeline in whose `with` block TFX applies TFMA's transforms; the results exist when it ends."""
        return super()._make_beam_pipeline()

    def _make_beam_pipeline(self) -> AbstractContextManager[beam.Pipeline]:
        return self.make_evaluation_pipeline()
