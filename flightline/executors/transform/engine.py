"""Runs a Transform execution from start to end."""

from flightline.executors.transform import analysis, cache, tracing
from flightline.executors.transform.job import TransformJob
from flightline.executors.transform.materialize import OnRows, materialize
from flightline.executors.transform.raw_examples import ExampleDecoder, RawExamples
from flightline.executors.transform.statistics import StatisticsCollector
from flightline.executors.transform.tfrecords import list_files, parsing_spec


def run_transform(job: TransformJob, on_rows: OnRows | None = None) -> None:
    """Analyzes and transforms; writes the artifacts of stock Transform.

    Args:
        job: what to do.
        on_rows: called after each batch with the number of rows transformed so far in all splits.

    Raises:
        UnsupportedTransformError: the stock executor has to do it. No data have been read then, and nothing outside
            `job.temp_dir` has been written.
    """
    features = parsing_spec(job.schema, job.specs)
    for source in (*job.analyze_splits, *job.transform_splits):
        list_files(source.file_pattern)
    traced = tracing.trace_preprocessing_fn(job)
    pre, post = _make_collectors(job, traced)
    raw = RawExamples(job.analyze_splits, ExampleDecoder(job.schema, traced.columns), pre)
    model_dir, encoded_cache = analysis.plan_analysis(job, traced, features, raw)

    schema = tracing.publish_graph(job, traced, model_dir.single())
    if job.cache_output_dir:
        cache.write_cache(job.cache_output_dir, job.cache_input_dir, job.analyze_splits, encoded_cache)
    if post or any(source.output_prefix for source in job.transform_splits):
        materialize(job.transform_splits, tracing.load_graph(job, traced, features), schema, post, on_rows)
    if job.statistics and pre and post:
        raw.finish_statistics()
        pre.write(job.statistics.pre_paths)
        post.write(job.statistics.post_paths)


def _make_collectors(
    job: TransformJob, traced: tracing.TracedFunction
) -> tuple[StatisticsCollector, StatisticsCollector] | tuple[None, None]:
    """Collectors of the statistics before and after the transformation; None if statistics are disabled."""
    if not job.statistics:
        return None, None
    post_options = job.statistics.post_options(tracing.schema_before_analysis(traced), traced.asset_map)
    return StatisticsCollector(job.statistics.pre_options), StatisticsCollector(post_options)
