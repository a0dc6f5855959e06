"""The nodes of continuous training, which find earlier spans in ML Metadata.

A run ingests one span. The data gate compares it with the accepted spans before it. The model is trained on the last
few accepted spans (the window) and evaluated on the new span, which it has not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import ml_metadata as mlmd
from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.io import fileio
from tfx.v1.types.standard_artifacts import Examples, ExampleStatistics, TransformCache

from flightline.config.engines import Orchestrator
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.properties import INPUT_EVENTS, OUTPUT_EVENTS
from flightline.metadata.spans import list_ingested_spans, window_before

_ALL_SPANS = 1_000_000  # spans
ArtifactsByKey = dict[str, list[types.Artifact]]
WINDOW_NODE, CACHE_NODE, PREVIOUS_SPANS_NODE = "SpanWindow", "AnalyzerCache", "PreviousSpans"


@dataclass(frozen=True)
class TrainingData:
    """The inputs of Transform, Trainer and Evaluator.

    Attributes:
        examples: channel of the Examples to train on.
        analyzer_cache: channel of Transform's analyzer cache of an earlier run; None without a window.
        train_splits: splits of `examples` to train on.
        eval_splits: splits of the run's own Examples to evaluate on.
        nodes: the nodes that produce the channels; empty without a window.
    """

    examples: types.BaseChannel
    analyzer_cache: types.BaseChannel | None = None
    train_splits: list[str] = field(default_factory=lambda: ["train"])
    eval_splits: list[str] = field(default_factory=lambda: ["eval"])
    nodes: list[BaseNode] = field(default_factory=list)


def select_training_data(
    config: Config, examples: types.BaseChannel, gate: BaseNode, orchestrator: Orchestrator
) -> TrainingData:
    """Selects the run's own `examples`, or with a window the accepted spans before them, after `gate` has passed.

    Raises:
        UsageError: there is a window, and the orchestrator cannot run these resolvers.
    """
    if config.window is None:
        return TrainingData(examples)
    if orchestrator != "local":
        raise UsageError(
            "`window` needs to read ML Metadata, which Kubeflow and Vertex AI do not let a pipeline do",
            "run it with runner_local.py or runner_beam.py, or remove `window` from the config",
        )
    window = tfx.dsl.Resolver(
        strategy_class=SpanWindowStrategy,
        config={"pipeline": config.name, "spans": config.window.spans},
        newest=examples,
        examples=tfx.dsl.Channel(type=Examples, producer_component_id="ExampleGen"),
    ).with_id(WINDOW_NODE)
    window.add_upstream_node(gate)
    cache = tfx.dsl.Resolver(
        strategy_class=NewestCacheStrategy,
        cache=tfx.dsl.Channel(type=TransformCache, producer_component_id="Transform"),
    ).with_id(CACHE_NODE)
    cache.add_upstream_node(gate)
    return TrainingData(
        examples=window.outputs["examples"],
        analyzer_cache=cache.outputs["cache"],
        train_splits=list(config.window.train_splits),
        eval_splits=list(config.data.splits),
        nodes=[window, cache],
    )


def previous_spans_node(config: Config, examples: types.BaseChannel) -> BaseNode | None:
    """The node that finds the accepted spans before `examples`; None without a window.

    Its outputs: `statistics` of the newest of them, and `accepted_examples` of all of them, the newest last.
    """
    if config.window is None:
        return None
    return tfx.dsl.Resolver(
        strategy_class=PreviousSpansStrategy,
        config={"pipeline": config.name},
        newest=examples,
        statistics=tfx.dsl.Channel(type=ExampleStatistics, producer_component_id="StatisticsGen"),
        accepted_examples=tfx.dsl.Channel(type=Examples, producer_component_id="ExampleGen"),
    ).with_id(PREVIOUS_SPANS_NODE)


class SpanWindowStrategy(tfx.dsl.experimental.ResolverStrategy):
    """Resolves `examples` to the Examples of the last `spans` accepted spans before that of `newest`, oldest first."""

    def __init__(self, pipeline: str, spans: int) -> None:
        self._pipeline, self._spans = pipeline, spans

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: ArtifactsByKey) -> ArtifactsByKey:
        """Selects from `input_dict["examples"]`."""
        candidates = {artifact.id: artifact for artifact in input_dict["examples"]}
        window = window_before(list_ingested_spans(store, self._pipeline), ingested_span(input_dict), self._spans)
        found = [candidates[span.examples] for span in window if span.examples in candidates]
        return {"newest": input_dict["newest"], "examples": found}


class PreviousSpansStrategy(tfx.dsl.experimental.ResolverStrategy):
    """Resolves the accepted spans before that of `newest`; without any, its outputs are empty.

    `statistics` are those of the newest of them, `accepted_examples` the Examples of all of them, oldest first.
    """

    def __init__(self, pipeline: str) -> None:
        self._pipeline = pipeline

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: ArtifactsByKey) -> ArtifactsByKey:
        """Selects from `input_dict["statistics"]` and `input_dict["accepted_examples"]`."""
        before = window_before(list_ingested_spans(store, self._pipeline), ingested_span(input_dict), spans=_ALL_SPANS)
        made = _derived_artifacts(store, before[-1].examples) if before else set()
        found = [artifact for artifact in input_dict["statistics"] if artifact.id in made]
        newest = sorted(found, key=lambda artifact: artifact.id)[-1:]
        candidates = {artifact.id: artifact for artifact in input_dict.get("accepted_examples", [])}
        accepted = [candidates[span.examples] for span in before if span.examples in candidates]
        return {"newest": input_dict["newest"], "statistics": newest, "accepted_examples": accepted}


class NewestCacheStrategy(tfx.dsl.experimental.ResolverStrategy):
    """Resolves `cache` to the newest analyzer cache whose files exist; empty if there is none."""

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: ArtifactsByKey) -> ArtifactsByKey:  # noqa: ARG002
        """Selects from `input_dict["cache"]`."""
        newest_first = sorted(input_dict["cache"], key=lambda artifact: -artifact.id)
        return {"cache": [artifact for artifact in newest_first if fileio.isdir(artifact.uri)][:1]}


def ingested_span(input_dict: ArtifactsByKey) -> int:
    """The span of the Examples that the run has ingested."""
    [newest] = input_dict["newest"]
    return newest.get_int_custom_property("span")


def _derived_artifacts(store: mlmd.MetadataStore, artifact: int) -> set[int]:
    """Ids of the artifacts that were made from an artifact."""
    readers = [e.execution_id for e in store.get_events_by_artifact_ids([artifact]) if e.type in INPUT_EVENTS]
    events = store.get_events_by_execution_ids(readers) if readers else []
    return {event.artifact_id for event in events if event.type in OUTPUT_EVENTS}
