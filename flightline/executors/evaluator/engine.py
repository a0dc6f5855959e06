"""An evaluation from job to results, without Beam."""

from collections.abc import Callable

from flightline.executors.evaluator.comparison import Comparison, compare_models
from flightline.executors.evaluator.job import EvaluationJob
from flightline.executors.evaluator.results import SlicedMetrics, compute_metrics
from flightline.executors.evaluator.scoring import score_examples
from flightline.executors.evaluator.slicing import group_rows_by_slice
from flightline.executors.evaluator.supported_config import all_slicing_specs


def evaluate(
    job: EvaluationJob, on_rows: Callable[[int], None] | None = None
) -> tuple[list[SlicedMetrics], Comparison | None]:
    """Score the models on the examples and compute every metric of every slice; write nothing.

    With a baseline, the two models are also compared row by row.

    Args:
      job: what to evaluate.
      on_rows: called from time to time with the number of rows scored so far.

    Raises:
      UnsupportedEvaluationError: the models, the data or a metric are not supported.
    """
    scored = score_examples(job, on_rows)
    slices = group_rows_by_slice(all_slicing_specs(job.eval_config), scored.slice_columns, scored.num_rows)
    return compute_metrics(job.eval_config, scored.scores, slices), compare_models(job, scored.scores)
