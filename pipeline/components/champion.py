"""Which model a candidate must not fall behind: the last one that was pushed.

TFX's LatestBlessedModelStrategy takes the last one that the Evaluator blessed, also where the serving check refused it
and it was never released.
"""

from __future__ import annotations

from typing import Any

import ml_metadata as mlmd
from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.v1.types.standard_artifacts import Model, ModelBlessing, PushedModel

from pipeline.config import Config
from pipeline.engines.settings import Orchestrator
from pipeline.metadata.store import INPUT_EVENTS, OUTPUT_EVENTS

CHAMPION = "Champion"


def champion_node(config: Config, orchestrator: Orchestrator) -> BaseNode | None:
    """The node whose output `model` is the champion; None where no node can find one.

    Kubeflow's backends query metadata themselves and know stock strategies alone, of which Vertex AI runs
    LatestBlessedModelStrategy. Kubeflow Pipelines refuses resolvers altogether: there the champion is named, or nobody.
    """
    if orchestrator == "local":
        pushed = {"model": tfx.dsl.Channel(type=Model), "pushed_model": tfx.dsl.Channel(type=PushedModel)}
        return tfx.dsl.Resolver(strategy_class=LatestPushedModelStrategy, **pushed).with_id(CHAMPION)
    settings = config.engines.kubeflow
    if settings.platform == "vertex":
        blessed = {"model": tfx.dsl.Channel(type=Model), "model_blessing": tfx.dsl.Channel(type=ModelBlessing)}
        return tfx.dsl.Resolver(strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy, **blessed).with_id(
            CHAMPION
        )
    if settings.champion is None:
        return None
    return tfx.dsl.Importer(source_uri=settings.champion, artifact_type=Model, output_key="model").with_id(CHAMPION)


class LatestPushedModelStrategy(tfx.dsl.experimental.ResolverStrategy):
    """Resolves the Model of the newest PushedModel that really was pushed; nothing where there is none."""

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Picks from the candidates in `input_dict["model"]` by the lineage of `input_dict["pushed_model"]`."""
        models = {model.id: model for model in input_dict["model"]}
        pushed = [p for p in input_dict["pushed_model"] if p.get_int_custom_property("pushed") == 1]
        for push in sorted(pushed, key=lambda artifact: artifact.id, reverse=True):
            for model_id in _inputs_of_producer(store, push.id):
                if model_id in models:
                    return {"model": [models[model_id]], "pushed_model": [push]}
        return {"model": [], "pushed_model": []}


def _inputs_of_producer(store: mlmd.MetadataStore, artifact_id: int) -> set[int]:
    """Ids of the artifacts that the executions which made an artifact had read."""
    events: list[Any] = store.get_events_by_artifact_ids([artifact_id])
    producers = [event.execution_id for event in events if event.type in OUTPUT_EVENTS]
    read = store.get_events_by_execution_ids(producers) if producers else []
    return {event.artifact_id for event in read if event.type in INPUT_EVENTS}
