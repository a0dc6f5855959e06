"""The monitoring DAG: a window of the prediction log, held against the training data, the window before, and labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import ml_metadata as mlmd
from tensorflow_model_analysis.proto import config_pb2
from tfx import v1 as tfx
from tfx.types import artifact_utils

from flightline.components.arrow_example_gen import ArrowExampleGen
from flightline.components.executor_choice import select_executors
from flightline.components.window_monitor import WindowMonitor
from flightline.config.evaluation import TASK_METRICS
from flightline.config.schema_file import read_feature_types
from flightline.config.settings import Config
from flightline.engines.arguments import beam_arguments
from flightline.executors.window_monitor.columns import ANSWER, CLASS, CONSTANT_ONE, SERVED, VERSION
from flightline.metadata.evaluation import metric_key
from flightline.metadata.run_ids import MONITORING_SUFFIX
from flightline.metadata.store import connection_config
from flightline.monitoring.window import LABELLED_FILE, ROWS_FILE, WindowFiles, answer_columns
from flightline.serving.input_feature import ColumnType
from flightline.utils.hashing import code_digest
from flightline.utils.storage import absolute_location

LABELLED_SPLIT = "labelled"  # the split of the rows whose label came back


@dataclass(frozen=True)
class MonitoringJob:
    """What is watched, and what it is held against.

    Attributes:
        extracted: the window's files.
        training_statistics: ids of artifacts in ML Metadata.
        schema, previous_statistics: URIs of artifacts in ML Metadata; there may be no window before.
        released: version → metric → value, of the releases that answered.
    """

    extracted: WindowFiles
    training_statistics: Sequence[int]
    schema: str
    previous_statistics: str | None
    released: Mapping[str, Mapping[str, float]]


def create_pipeline(config: Config, job: MonitoringJob) -> tfx.dsl.Pipeline:
    """The DAG that measures `job` on the engine of the config."""
    artifacts = tfx.types.standard_artifacts
    components = select_executors(config.engine)
    window = job.extracted.window
    nodes: list[Any] = []
    measured: dict[str, Any] = {}
    if window.answered or job.extracted.labelled:
        example_gen = ArrowExampleGen(
            input_base=absolute_location(str(job.extracted.folder)),
            column_types={**read_feature_types(config.schema_file), **_log_column_types(config)},
            block_bytes=config.data.block_mb << 20,
            input_config=_input_config(job.extracted),
            output_config=_output_config(job.extracted),
            custom_fields={"code": code_digest("flightline.components.arrow_example_gen")},
        ).with_id("ExampleGen")
        examples = example_gen.outputs["examples"]
        nodes.append(example_gen)
    if window.answered:
        statistics_gen = components.StatisticsGen(examples=examples, exclude_splits=[LABELLED_SPLIT])
        measured["statistics"] = statistics_gen.outputs["statistics"]
        nodes.append(statistics_gen)
    # Found again in ML Metadata: the lineage goes on to the run that trained what answered.
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
        measured["evaluation"] = evaluator.outputs["evaluation"]
        nodes.append(evaluator)
    if job.previous_statistics is not None:
        previous = tfx.dsl.Importer(
            source_uri=job.previous_statistics, artifact_type=artifacts.ExampleStatistics, output_key="statistics"
        ).with_id("PreviousStatistics")
        measured["previous_statistics"] = previous.outputs["statistics"]
        nodes.append(previous)
    monitor = WindowMonitor(
        training_statistics=training.outputs["statistics"],
        schema=schema.outputs["schema"],
        window=asdict(window),
        released=job.released,
        settings=config.monitoring,
        code=code_digest("flightline.components.window_monitor"),
        **measured,
    )
    return tfx.dsl.Pipeline(
        pipeline_name=f"{config.name}{MONITORING_SUFFIX}",
        pipeline_root=absolute_location(config.artifacts),
        components=[*nodes, monitor],
        enable_cache=False,  # every window is another
        metadata_connection_config=connection_config(config),
        beam_pipeline_args=beam_arguments(config),
    )


class ArtifactsByIdStrategy(tfx.dsl.experimental.ResolverStrategy):
    """Resolves `statistics` to artifacts that are known by their ids, in this order.

    They are another pipeline's, of which TFX's channels offer nothing: they are asked of the store itself.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = list(ids)

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Reads the artifacts; what `input_dict` holds does not matter."""
        del input_dict
        kind = store.get_artifact_type("ExampleStatistics")
        found = {artifact.id: artifact for artifact in store.get_artifacts_by_id(self._ids)}
        return {"statistics": [artifact_utils.deserialize_artifact(kind, found[number]) for number in self._ids]}


def _log_column_types(config: Config) -> dict[str, ColumnType]:
    """The columns that monitoring adds; a label that is not 0 and 1 has been made so when it was joined."""
    answers: dict[str, ColumnType] = {
        name: "bytes" if name == CLASS else "float" for name in (*answer_columns(config), CONSTANT_ONE)
    }
    ours: dict[str, ColumnType] = {**answers, VERSION: "bytes", ANSWER: "bytes"}
    made = config.positive_label is not None or config.task == "multiclass"
    return {**ours, config.label: "int"} if made else ours


def _input_config(extracted: WindowFiles) -> tfx.proto.Input:
    files = {
        **({SERVED: ROWS_FILE} if extracted.window.answered else {}),
        **({LABELLED_SPLIT: LABELLED_FILE} if extracted.labelled else {}),
    }
    return tfx.proto.Input(splits=[tfx.proto.Input.Split(name=name, pattern=file) for name, file in files.items()])


def _output_config(extracted: WindowFiles) -> tfx.proto.Output | None:
    """A window without labels is one split; left to itself, ExampleGen would share that out into `train` and `eval`."""
    if extracted.labelled and extracted.window.answered:
        return None
    whole = tfx.proto.SplitConfig.Split(name=LABELLED_SPLIT if extracted.labelled else SERVED, hash_buckets=1)
    return tfx.proto.Output(split_config=tfx.proto.SplitConfig(splits=[whole]))


def _eval_config(config: Config) -> config_pb2.EvalConfig:
    """The predictions are those of the log: what was answered is judged, not what the model would answer now."""
    cuts = [[], [VERSION], *config.evaluation.slices]
    classes = config.task == "multiclass"
    metrics = [config_pb2.MetricConfig(class_name=name) for name in TASK_METRICS[config.task]]
    if classes:  # of a class, right or wrong is all that the log tells
        named = json.dumps({"name": metric_key("SparseCategoricalAccuracy")})
        metrics = [
            config_pb2.MetricConfig(class_name="ExampleCount"),
            config_pb2.MetricConfig(class_name="BinaryAccuracy", config=named),
        ]
    prediction = CONSTANT_ONE if classes else answer_columns(config)[0]
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(label_key=config.label, prediction_key=prediction)],
        slicing_specs=[config_pb2.SlicingSpec(feature_keys=[ANSWER, *cut]) for cut in cuts],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )
