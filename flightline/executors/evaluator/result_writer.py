"""The files of a ModelEvaluation artifact, named and encoded as TFMA's writers do."""

import json
import posixpath
from collections.abc import Iterable, Sequence

import tensorflow as tf
from google.protobuf.message import Message
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.writers import eval_config_writer
from tensorflow_model_analysis.writers import metrics_plots_and_validations_writer as stock_writer

from flightline.executors.evaluator.comparison import Comparison, add_confidence_failures, write_comparison
from flightline.executors.evaluator.job import EvaluationJob
from flightline.executors.evaluator.results import SlicedMetrics, validate_thresholds
from flightline.executors.evaluator.tfma_internals import TFMA

_ONE_SHARD = "-00000-of-00001"
# How TFMA describes examples that it did not read itself.
_DATA_LOCATION, _FILE_FORMAT = "<user provided PCollection>", "<unknown>"


def write_results(job: EvaluationJob, results: Sequence[SlicedMetrics], comparison: Comparison | None = None) -> None:
    """Validate the results, and write metrics, plots, attributions, validation, config, and the comparison."""
    metrics, plots, attributions = (
        [TFMA.filter_by_key_type(slice_results, key_type) for slice_results in results]
        for key_type in (metric_types.MetricKey, metric_types.PlotKey, metric_types.AttributionsKey)
    )
    tf.io.gfile.makedirs(job.output_path)
    _write_records(job, f"metrics{_ONE_SHARD}", (stock_writer.convert_slice_metrics_to_proto(m, None) for m in metrics))
    _write_records(job, f"plots{_ONE_SHARD}", (stock_writer.convert_slice_plots_to_proto(p, None) for p in plots))
    _write_records(
        job, f"attributions{_ONE_SHARD}", map(stock_writer.convert_slice_attributions_to_proto, attributions)
    )
    validation = validate_thresholds(job.eval_config, metrics)
    add_confidence_failures(validation, job, comparison)
    _write_records(job, "validations", [validation])
    _write_config(job)
    if comparison is not None:
        write_comparison(job, comparison)


def _write_records(job: EvaluationJob, name: str, messages: Iterable[Message]) -> None:
    with tf.io.TFRecordWriter(posixpath.join(job.output_path, f"{name}.tfrecord")) as writer:
        for message in messages:
            writer.write(message.SerializeToString(deterministic=True))


def _write_config(job: EvaluationJob) -> None:
    text = TFMA.serialize_eval_run(job.eval_config, _DATA_LOCATION, _FILE_FORMAT, dict(job.model_paths))
    name = f"{eval_config_writer.EVAL_CONFIG_FILE}.{eval_config_writer.EVAL_CONFIG_FILE_FORMAT}"
    with tf.io.gfile.GFile(posixpath.join(job.output_path, name), "w") as file:
        # The order of protobuf maps (model locations) is random.
        file.write(f"{json.dumps(json.loads(text), indent=2, sort_keys=True)}\n")
