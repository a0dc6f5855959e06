"""The training DAG, from raw files to a released model: the picture in the README, top to bottom."""

from __future__ import annotations

from tfx import v1 as tfx

from flightline.components.arrow_example_gen import ArrowExampleGen
from flightline.components.atomic_pusher import Pusher
from flightline.components.champion_resolver import champion_node
from flightline.components.curated_schema import CuratedSchema
from flightline.components.data_gate import DataGate
from flightline.components.executor_choice import select_executors
from flightline.components.serving_check import ServingCheck
from flightline.components.span_resolvers import previous_spans_node, select_training_data
from flightline.components.tuner import Tuner
from flightline.config.engines import Orchestrator
from flightline.config.feature_planning import plan_features
from flightline.config.loader import input_files
from flightline.config.schema_file import read_feature_types, read_schema
from flightline.config.settings import Config
from flightline.engines.arguments import beam_arguments, resolve_input_base
from flightline.metadata.store import connection_config
from flightline.utils.hashing import code_digest
from flightline.utils.storage import absolute_location, data_digest
from models.evaluation import build_eval_config


def create_pipeline(
    config: Config, cache: bool = True, orchestrator: Orchestrator = "local", resumed: str = "", override: str = ""
) -> tfx.dsl.Pipeline:
    """Build the DAG.

    Args:
        cache: whether a step with the same inputs as in an earlier run is taken from the cache.
        orchestrator: what runs the DAG.
        resumed: the id of the run that is resumed, if any.
        override: the reason for which the data gate lets findings pass, if any.
    """
    components = select_executors(config.engine, config.evaluation.vs_champion_confidence)
    features = plan_features(read_schema(config.schema_file), config.label, config.features, config.target)

    example_gen = ArrowExampleGen(
        input_base=resolve_input_base(config),
        label=config.label,
        column_types=read_feature_types(config.schema_file),
        missing_values=config.data.missing_values,
        block_bytes=config.data.block_mb << 20,
        input_config=_input_config(config),
        output_config=_output_config(config),
        range_config=_range_config(config),
        custom_fields={
            "data_digest": _input_data_digest(config, orchestrator),
            "code_digest": code_digest("flightline.components.arrow_example_gen"),
        },
    ).with_id("ExampleGen")
    examples = example_gen.outputs["examples"]

    statistics_gen = components.StatisticsGen(examples=examples)
    statistics = statistics_gen.outputs["statistics"]

    # Two schemas: the one inferred from these data is only recorded; the curated one is what they are checked against.
    schema_gen = tfx.components.SchemaGen(statistics=statistics)
    curated_schema = CuratedSchema(config.schema_file.read_text(encoding="utf-8"))
    schema = curated_schema.outputs["schema"]

    validator = tfx.components.ExampleValidator(statistics=statistics, schema=schema)
    previous = previous_spans_node(config, examples)
    gate = DataGate(
        examples=examples,
        statistics=statistics,
        anomalies=validator.outputs["anomalies"],
        schema=schema,
        previous_statistics=previous.outputs["statistics"] if previous else None,
        accepted_examples=previous.outputs["accepted_examples"] if previous else None,
        max_rejected=config.gate.max_rejected,
        policy=config.gate.policy,
        label=config.label,
        override=override,
        code_digest=code_digest("flightline.components.data_gate"),
    )

    # Without a window, the model is trained on one split of the rows and evaluated on the other. With a window, it is
    # trained on earlier spans and evaluated on this one.
    data = select_training_data(config, examples, gate, orchestrator)
    transform = components.Transform(
        examples=data.examples,
        schema=schema,
        analyzer_cache=data.analyzer_cache,
        splits_config=_splits_config(config, data.train_splits),
        disable_statistics=config.window is not None,  # each span already has statistics
        preprocessing_fn=config.user_code.preprocessing_fn,
        custom_config={
            "label": config.label,
            "features": features.model_dump(mode="json"),
            "code_digest": _code_digest(config.user_code.preprocessing_fn),
        },
    )
    transform.add_upstream_node(gate)  # no training on data that the gate blocks

    trainer_config = {
        "label": config.label,
        "features": features.model_dump(mode="json"),
        "model": config.model.model_dump(mode="json"),
        "train": config.train.model_dump(mode="json"),
    }
    tuner = None
    if config.tune is not None:
        tuner = Tuner(
            tuner_fn=config.user_code.tuner_fn,
            examples=transform.outputs["transformed_examples"],
            transform_graph=transform.outputs["transform_graph"],
            schema=schema,
            train_args=tfx.proto.TrainArgs(splits=data.train_splits),
            eval_args=tfx.proto.EvalArgs(splits=["eval"]),
            custom_config={
                **trainer_config,
                "tune": config.tune.model_dump(mode="json"),
                "code_digest": _code_digest(config.user_code.tuner_fn),
            },
        ).with_id("Tuner")

    trainer = tfx.components.Trainer(
        run_fn=config.user_code.run_fn,
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        train_args=tfx.proto.TrainArgs(splits=data.train_splits),
        eval_args=tfx.proto.EvalArgs(splits=["eval"]),
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuner else None,
        custom_config={**trainer_config, "code_digest": _code_digest(config.user_code.run_fn)},
    )
    model = trainer.outputs["model"]

    champion = champion_node(config, orchestrator, resumed)
    evaluator = components.Evaluator(
        examples=examples,
        model=model,
        baseline_model=champion.outputs["model"] if champion else None,
        eval_config=build_eval_config(config.label, config.evaluation, config.target),
        example_splits=data.eval_splits,
        bins=config.evaluation.bins,
        gaps=config.evaluation.gaps,
        statistics=statistics,
    )
    serving_check = ServingCheck(
        model=model,
        examples=examples,
        label=config.label,
        num_examples=config.serving_check.examples,
        latency_ms=config.serving_check.latency_ms,
        timeout_s=config.serving_check.timeout_s,
        code_digest=code_digest("flightline.components.serving_check"),
    )
    pusher = (Pusher if orchestrator == "local" else tfx.components.Pusher)(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=_release_dir(config, orchestrator))
        ),
    )

    return tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=absolute_location(config.artifacts),
        components=[
            example_gen,
            statistics_gen,
            schema_gen,
            curated_schema,
            validator,
            *([previous] if previous else []),
            gate,
            *data.nodes,
            transform,
            *([tuner] if tuner else []),
            trainer,
            *([champion] if champion else []),
            evaluator,
            serving_check,
            pusher,
        ],
        enable_cache=cache,
        metadata_connection_config=connection_config(config),
        beam_pipeline_args=beam_arguments(config),
    )


def _input_data_digest(config: Config, orchestrator: Orchestrator) -> str:
    """Digest of the input files, which are out of reach on Kubeflow: there, ExampleGen's driver has its fingerprint."""
    return data_digest(input_files(config)) if orchestrator == "local" else ""


def _release_dir(config: Config, orchestrator: Orchestrator) -> str:
    return str(config.releases.resolve()) if orchestrator == "local" else f"{config.engines.kubeflow.releases_uri}"


def _code_digest(function: str) -> str:
    """Digest of the code that a dotted path names: TFX's own cache keys have only the path."""
    return code_digest(function.rpartition(".")[0])


def _input_config(config: Config) -> tfx.proto.Input:
    """One input split; `_output_config` splits it by hash."""
    return tfx.proto.Input(splits=[tfx.proto.Input.Split(name="input", pattern=config.data.pattern)])


def _output_config(config: Config) -> tfx.proto.Output:
    splits = [
        tfx.proto.SplitConfig.Split(name=name, hash_buckets=buckets) for name, buckets in config.data.splits.items()
    ]
    return tfx.proto.Output(split_config=tfx.proto.SplitConfig(splits=splits))


def _splits_config(config: Config, analyze: list[str]) -> tfx.proto.SplitsConfig | None:
    """Vocabularies and quantiles come from the splits that are trained on. TFX's default is the split `train`."""
    return tfx.proto.SplitsConfig(analyze=analyze, transform=list(config.data.splits)) if config.window else None


def _range_config(config: Config) -> tfx.proto.RangeConfig | None:
    span = config.data.span
    if span is None:
        return None
    return tfx.proto.RangeConfig(static_range=tfx.proto.StaticRange(start_span_number=span, end_span_number=span))
