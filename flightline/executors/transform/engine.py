"""A Transform execution, start to end."""

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
        on_rows: is called after each batch with the number of rows transformed so far, over all splits.

    Raises:
        Unsupported: when stock has to do it. Nothing outside `job.temp_dir` has been written then, nor any data read.
    """
    features = parsing_spec(job.schema, job.specs)
    for source in (*job.analyze, *job.transform):
        list_files(source.file_pattern)
    traced = tracing.trace_preprocessing_fn(job)
    pre, post = _make_collectors(job, traced)
    raw = RawExamples(job.analyze, ExampleDecoder(job.schema, traced.columns), pre)
    model_dir, encoded_cache = analysis.plan_analysis(job, traced, features, raw)

    schema = tracing.publish_graph(job, traced, model_dir.only())
    if job.cache_output_dir:
        cache.write_cache(job.cache_output_dir, job.cache_input_dir, job.analyze, encoded_cache)
    if post or any(source.output_prefix for source in job.transform):
        materialize(job.transform, tracing.load_graph(job, traced, features), schema, post, on_rows)
    if job.statistics and pre and post:
        raw.finish_statistics()
        pre.write(job.statistics.pre_paths)
        post.write(job.statistics.post_paths)


def _make_collectors(
    job: TransformJob, traced: tracing.TracedFunction
) -> tuple[StatisticsCollector, StatisticsCollector] | tuple[None, None]:
    """Collectors of the statistics before and after the transformation, if they are wanted."""
    if not job.statistics:
        return None, None
    post_options = job.statistics.post_options(tracing.schema_before_analysis(traced), traced.asset_map)
    return StatisticsCollector(job.statistics.pre_options), StatisticsCollector(post_options)
