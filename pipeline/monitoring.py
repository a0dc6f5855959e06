"""The monitoring DAG: compare a window of the prediction log with the training data, the previous window and labels."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from tensorflow_model_analysis.proto import config_pb2
from tfx import v1 as tfx

from flightline.components.arrow_example_gen import ArrowExampleGen
from flightline.components.artifacts_by_id import ArtifactsByIdStrategy
from flightline.components.executor_choice import select_executors
from flightline.components.window_monitor import WindowMonitor
from flightline.config.evaluation import TASK_METRICS
from flightline.config.schema_file import read_feature_types
from flightline.config.settings import Config
from flightline.engines.arguments import beam_arguments
from flightline.executors.window_monitor.columns import CLASS, CONSTANT_ONE, SERVED, SOURCE, VERSION
from flightline.metadata.evaluation import metric_key
from flightline.metadata.run_ids import MONITORING_SUFFIX
from flightline.metadata.store import connection_config
from flightline.monitoring.monitoring_job import MonitoringJob
from flightline.monitoring.window import LABELLED_FILE, ROWS_FILE, WindowFiles, prediction_columns
from flightline.serving.input_feature import ColumnType
from flightline.utils.hashing import code_digest
from flightline.utils.storage import absolute_location

LABELLED_SPLIT = "labelled"  # the split of the rows whose label came back


def create_pipeline(config: Config, job: MonitoringJob) -> tfx.dsl.Pipeline:
    """Build the DAG that measures the window of `job`, on the configured engine."""
    artifacts = tfx.types.standard_artifacts
    components = select_executors(config.engine)
    window = job.extracted.window
    nodes: list[Any] = []
    measured_inputs: dict[str, Any] = {}
    if window.answered_rows or job.extracted.labelled:
        example_gen = ArrowExampleGen(
            input_base=absolute_location(str(job.extracted.folder)),
            column_types={**read_feature_types(config.schema_file), **_log_column_types(config)},
            block_bytes=config.data.block_mb << 20,
            input_config=_input_config(job.extracted),
            output_config=_output_config(job.extracted),
            custom_fields={"code_digest": code_digest("flightline.components.arrow_example_gen")},
        ).with_id("ExampleGen")
        examples = example_gen.outputs["examples"]
        nodes.append(example_gen)
    if window.answered_rows:
        statistics_gen = components.StatisticsGen(examples=examples, exclude_splits=[LABELLED_SPLIT])
        measured_inputs["statistics"] = statistics_gen.outputs["statistics"]
        nodes.append(statistics_gen)
    # Resolved from ML Metadata, so that the lineage leads to the run that trained the release.
    training = tfx.dsl.Resolver(
        strategy_class=ArtifactsByIdStrategy,
        config={"ids": list(job.training_statistics)},
        statistics=tfx.dsl.Channel(type=artifacts.ExampleStatistics),
    ).with_id("TrainingStatistics")
    schema = tfx.dsl.Importer(source_uri=job.schema, artifact_type=artifacts.Schema, output_key="schema").with_id(
        "ReleasedSchema"
    )
    nodes += [training, schema]
    if job.extracted.labelled:
        evaluator = components.Evaluator(
            examples=examples,
            eval_config=_eval_config(config),
            example_splits=[LABELLED_SPLIT],
            bins=config.evaluation.bins,
            statistics=training.outputs["statistics"],
        )
        measured_inputs["evaluation"] = evaluator.outputs["evaluation"]
        nodes.append(evaluator)
    if job.previous_statistics is not None:
        previous = tfx.dsl.Importer(
            source_uri=job.previous_statistics, artifact_type=artifacts.ExampleStatistics, output_key="statistics"
        ).with_id("PreviousStatistics")
        measured_inputs["previous_statistics"] = previous.outputs["statistics"]
        nodes.append(previous)
    monitor = WindowMonitor(
        training_statistics=training.outputs["statistics"],
        schema=schema.outputs["schema"],
        window=asdict(window),
        released=job.released,
        settings=config.monitoring,
        code_digest=code_digest("flightline.components.window_monitor"),
        **measured_inputs,
    )
    return tfx.dsl.Pipeline(
        pipeline_name=f"{config.name}{MONITORING_SUFFIX}",
        pipeline_root=absolute_location(config.artifacts),
        components=[*nodes, monitor],
        enable_cache=False,  # every window has new data
        metadata_connection_config=connection_config(config),
        beam_pipeline_args=beam_arguments(config),
    )


def _log_column_types(config: Config) -> dict[str, ColumnType]:
    """The types of the columns that monitoring adds; joining the labels has turned a class label into 0 and 1."""
    predictions: dict[str, ColumnType] = {
        name: "bytes" if name == CLASS else "float" for name in (*prediction_columns(config), CONSTANT_ONE)
    }
    types: dict[str, ColumnType] = {**predictions, VERSION: "bytes", SOURCE: "bytes"}
    converted = config.positive_label is not None or config.task == "multiclass"
    return {**types, config.label: "int"} if converted else types


def _input_config(extracted: WindowFiles) -> tfx.proto.Input:
    files = {
        **({SERVED: ROWS_FILE} if extracted.window.answered_rows else {}),
        **({LABELLED_SPLIT: LABELLED_FILE} if extracted.labelled else {}),
    }
    return tfx.proto.Input(splits=[tfx.proto.Input.Split(name=name, pattern=file) for name, file in files.items()])


def _output_config(extracted: WindowFiles) -> tfx.proto.Output | None:
    """The only split, if there is just one; ExampleGen would divide it into `train` and `eval` by default."""
    if extracted.labelled and extracted.window.answered_rows:
        return None
    whole = tfx.proto.SplitConfig.Split(name=LABELLED_SPLIT if extracted.labelled else SERVED, hash_buckets=1)
    return tfx.proto.Output(split_config=tfx.proto.SplitConfig(splits=[whole]))


def _eval_config(config: Config) -> config_pb2.EvalConfig:
    """Evaluate the logged predictions, rather than what the model would predict now."""
    cuts = [[], [VERSION], *config.evaluation.slices]
    classes = config.task == "multiclass"
    metrics = [config_pb2.MetricConfig(class_name=name) for name in TASK_METRICS[config.task]]
    if classes:  # the log has one probability only, so accuracy is the only metric
        named = json.dumps({"name": metric_key("SparseCategoricalAccuracy")})
        metrics = [
            config_pb2.MetricConfig(class_name="ExampleCount"),
            config_pb2.MetricConfig(class_name="BinaryAccuracy", config=named),
        ]
    prediction = CONSTANT_ONE if classes else prediction_columns(config)[0]
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(label_key=config.label, prediction_key=prediction)],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=[SOURCE, *cut]) for cut in cuts],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )
