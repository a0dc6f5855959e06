"""A Transform execution, start to end."""

from pipeline.fast.transform import analysis, cache, tracing
from pipeline.fast.transform.job import Job
from pipeline.fast.transform.materialize import OnRows, materialize
from pipeline.fast.transform.raw import Decoder, RawExamples
from pipeline.fast.transform.records import list_files, parsing_spec
from pipeline.fast.transform.statistics import StatisticsCollector


def run(job: Job, on_rows: OnRows | None = None) -> None:
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
    traced = tracing.trace(job)
    pre, post = _collectors(job, traced)
    raw = RawExamples(job.analyze, Decoder(job.schema, traced.columns), pre)
    model_dir, encoded_cache = analysis.plan(job, traced, features, raw)

    schema = tracing.publish(job, traced, model_dir.only())
    if job.cache_output_dir:
        cache.write(job.cache_output_dir, job.cache_input_dir, job.analyze, encoded_cache)
    if post or any(source.output_prefix for source in job.transform):
        materialize(job.transform, tracing.load(job, traced, features), schema, post, on_rows)
    if job.statistics and pre and post:
        raw.finish_statistics()
        pre.write(job.statistics.pre_paths)
        post.write(job.statistics.post_paths)


def _collectors(
    job: Job, traced: tracing.Traced
) -> tuple[StatisticsCollector, StatisticsCollector] | tuple[None, None]:
    """Collectors of the statistics before and after the transformation, if they are wanted."""
    if not job.statistics:
        return None, None
    post_options = job.statistics.post_options(tracing.unevaluated_schema(traced), traced.asset_map)
    return StatisticsCollector(job.statistics.pre_options), StatisticsCollector(post_options)
