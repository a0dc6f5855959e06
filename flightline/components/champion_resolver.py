"""The champion: the model that is in production, with which the Evaluator compares the candidate.

It is the model of the current release. TFX's LatestBlessedModelStrategy instead takes the last model that the Evaluator
blessed, even if ServingCheck rejected it or it was rolled back. It also does not check that the model's files exist:
without them, the Evaluator of every later run fails.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_metadata as mlmd
import tensorflow as tf
from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base.base_node import BaseNode
from tfx.utils import path_utils
from tfx.v1.types.standard_artifacts import Model, ModelBlessing, PushedModel

from flightline.config.engines import Orchestrator
from flightline.config.settings import Config
from flightline.errors import StepFailed, summarize_error
from flightline.executors import progress
from flightline.metadata.artifact_integrity import describe_damage, find_artifact_damage
from flightline.metadata.properties import INPUT_EVENTS, OUTPUT_EVENTS
from flightline.metadata.run_ids import has_same_base_run
from flightline.metadata.store import run_ids_of_execution
from flightline.releases.registry import current_version_excluding
from flightline.releases.release import current_version

CHAMPION_NODE = "Champion"
LOAD_ERROR_PROPERTY = "load_error"  # of a PushedModel: why its model could not be loaded as the champion


def champion_node(config: Config, orchestrator: Orchestrator, resumed: str = "") -> BaseNode | None:
    """The node whose output `model` is the champion; None where there can be none.

    Vertex AI runs TFX's own strategies only, so the champion there is the latest blessed model. Kubeflow Pipelines runs
    no resolvers; the champion there is the model at `engines.kubeflow.champion_uri`, if it is set.

    Args:
        resumed: id of the run that is resumed. If it released its model before it was interrupted, that model must not
            be its own champion.
    """
    if orchestrator == "local":
        pushed = {"model": tfx.dsl.Channel(type=Model), "pushed_model": tfx.dsl.Channel(type=PushedModel)}
        settings = {
            "on_load_failure": config.champion.on_load_failure,
            "releases": str(config.releases.resolve()),
            "resumed": resumed,
        }
        return tfx.dsl.Resolver(strategy_class=CurrentReleaseStrategy, config=settings, **pushed).with_id(CHAMPION_NODE)
    kubeflow = config.engines.kubeflow
    if kubeflow.platform == "vertex":
        blessed = {"model": tfx.dsl.Channel(type=Model), "model_blessing": tfx.dsl.Channel(type=ModelBlessing)}
        return tfx.dsl.Resolver(strategy_class=tfx.dsl.experimental.LatestBlessedModelStrategy, **blessed).with_id(
            CHAMPION_NODE
        )
    if kubeflow.champion_uri is None:
        return None
    return tfx.dsl.Importer(source_uri=kubeflow.champion_uri, artifact_type=Model, output_key="model").with_id(
        CHAMPION_NODE
    )


class CurrentReleaseStrategy(tfx.dsl.experimental.ResolverStrategy):
    """Resolves the Model and PushedModel of the current release, or of the newest release if none is current.

    If the Model is damaged or cannot be loaded, `model` is empty and `pushed_model` has the reason; with
    `on_load_failure="block"` the run fails instead. An older release never takes its place: the candidate would be
    compared with a model that is not in production.
    """

    def __init__(self, on_load_failure: str = "evaluate", releases: str = "", resumed: str = "") -> None:
        self._blocks = on_load_failure == "block"
        self._releases = Path(releases) if releases else None
        self._resumed = resumed

    def resolve_artifacts(
        self, store: mlmd.MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Selects the current release from `input_dict["pushed_model"]` and its model from `input_dict["model"]`.

        Raises:
            StepFailed: the model cannot be loaded, and `on_load_failure` is `block`.
        """
        models = {model.id: model for model in input_dict["model"]}
        pushed = [p for p in input_dict["pushed_model"] if p.get_int_custom_property("pushed") == 1]
        current = current_version(self._releases) if self._releases else None
        if current is not None and self._releases is not None:
            served = current_version_excluding(self._releases, lambda run: has_same_base_run(run, self._resumed))
            pushed = [p for p in pushed if p.get_string_custom_property("pushed_version") == served]
            if served is not None and not pushed:
                progress.warn(
                    f"ML Metadata does not have the current release, {served}: the candidate is evaluated alone"
                )
        for push in sorted(pushed, key=lambda artifact: artifact.id, reverse=True):
            producers = _producer_executions(store, push.id)
            runs = {run for producer in producers for run in run_ids_of_execution(store, producer)}
            if runs and all(has_same_base_run(run, self._resumed) for run in runs):
                continue  # released by the run that is resumed here
            for model_id in _input_artifacts(store, producers):
                if model_id in models:
                    return {"model": self._load_or_note(store, models[model_id], push), "pushed_model": [push]}
        return {"model": [], "pushed_model": []}

    def _load_or_note(self, store: mlmd.MetadataStore, model: types.Artifact, push: types.Artifact) -> list[Any]:
        damage = find_artifact_damage(model.mlmd_artifact)
        problem = describe_damage(model.mlmd_artifact, damage) if damage else find_load_error(model)
        if problem != push.get_string_custom_property(LOAD_ERROR_PROPERTY):
            push.set_string_custom_property(LOAD_ERROR_PROPERTY, problem)
            store.put_artifacts([push.mlmd_artifact])
        if not problem:
            return [model]
        release = push.get_string_custom_property("pushed_version") or push.uri
        if self._blocks:
            raise StepFailed(
                f"the champion, release {release}, cannot be loaded: {problem}",
                "restore its files, or set champion.on_load_failure=evaluate to evaluate the candidate alone",
            )
        progress.warn(f"The champion, release {release}, cannot be loaded: {problem}; the candidate is evaluated alone")
        return []


def find_load_error(model: types.Artifact) -> str:
    """Why TensorFlow cannot load a Model, in one line; empty if it can."""
    path = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))
    if not tf.io.gfile.isdir(path):
        return f"{path} does not exist"
    try:
        tf.saved_model.load(path)
    except Exception as error:  # TensorFlow raises many kinds for a broken file
        return f"{path}: {summarize_error(error)}"
    return ""


def _producer_executions(store: mlmd.MetadataStore, artifact_id: int) -> list[int]:
    """Ids of the executions that wrote an artifact, or reused it from the cache."""
    events: list[Any] = store.get_events_by_artifact_ids([artifact_id])
    return [event.execution_id for event in events if event.type in OUTPUT_EVENTS]


def _input_artifacts(store: mlmd.MetadataStore, executions: list[int]) -> set[int]:
    """Ids of the artifacts that executions read."""
    read = store.get_events_by_execution_ids(executions) if executions else []
    return {event.artifact_id for event in read if event.type in INPUT_EVENTS}
