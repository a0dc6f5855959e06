"""An evaluation from job to results, without Beam."""

from collections.abc import Callable

from pipeline.fast.evaluation.comparison import Comparison, compare
from pipeline.fast.evaluation.job import EvaluationJob
from pipeline.fast.evaluation.results import SlicedMetrics, compute
from pipeline.fast.evaluation.scoring import score
from pipeline.fast.evaluation.slicing import slice_rows
from pipeline.fast.evaluation.support import all_slicing_specs


def evaluate(
    job: EvaluationJob, on_rows: Callable[[int], None] | None = None
) -> tuple[list[SlicedMetrics], Comparison | None]:
    """Scores the models on the examples and computes every metric of every slice; writes nothing.

    Where there is a baseline, the two models are compared row by row as well.

    Args:
      job: what to evaluate.
      on_rows: called now and then with the number of rows scored so far.

    Raises:
      UnsupportedEvaluationError: the models, the data or a metric are not of the proven kind.
    """
    scored = score(job, on_rows)
    slices = slice_rows(all_slicing_specs(job.eval_config), scored.slice_columns, scored.num_rows)
    return compute(job.eval_config, scored.scores, slices), compare(job, scored.scores)
