"""WindowMonitor: compares a window of the prediction log with the training data, the previous window and its labels."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.utils import io_utils

from flightline.config.monitoring import MonitoringConfig
from flightline.executors.evaluator.result_reader import read_slices
from flightline.executors.window_monitor.checks import Baselines, check_window
from flightline.executors.window_monitor.columns import SERVED, STATISTICS_SPLIT
from flightline.executors.window_monitor.measures import Window, breached_measures


class WindowMonitorSpec(ComponentSpec):
    PARAMETERS = {  # noqa: RUF012 - TFX reads it as a class attribute
        "window": ExecutionParameter(type=str),
        "released": ExecutionParameter(type=str),
        "settings": ExecutionParameter(type=str),
        "code_digest": ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
        "training_statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "previous_statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation, optional=True),
    }
    OUTPUTS = {"measures": ChannelParameter(type=standard_artifacts.JsonValue)}  # noqa: RUF012


class Executor(base_executor.BaseExecutor):
    """Writes the measures. A value beyond its threshold is a result, not an error."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        schema = io_utils.SchemaReader().read(
            io_utils.get_only_uri_in_dir(artifact_utils.get_single_uri(input_dict["schema"]))
        )
        baselines = Baselines(
            json.loads(exec_properties["released"]),
            schema,
            training=[
                read_split_statistics(artifact, STATISTICS_SPLIT) for artifact in input_dict["training_statistics"]
            ],
            previous=_read_served_statistics(input_dict.get("previous_statistics") or []),
        )
        evaluation = input_dict.get("evaluation") or []
        result = check_window(
            Window(**json.loads(exec_properties["window"])),
            _read_served_statistics(input_dict.get("statistics") or []),
            read_slices(evaluation[0].uri) if evaluation else [],
            baselines,
            MonitoringConfig.model_validate_json(exec_properties["settings"]),
        )
        measures = artifact_utils.get_single_instance(output_dict["measures"])
        measures.write(result.to_dict())
        measures.set_int_custom_property("measures", len(result.measures))
        measures.set_int_custom_property("breached_measures", len(breached_measures(result.measures)))


class WindowMonitor(base_component.BaseComponent):
    """Writes the measures of a window, each with its threshold.

    Args:
        training_statistics: statistics of the release's training data, one artifact for each span.
        schema: the release's schema, with drift and perhaps skew comparators.
        window: the window's bounds, and what happened to its requests.
        released: version → metric → value in the release's own evaluation.
        settings: the thresholds.
        statistics: statistics of the answered rows, split `served`; None if no row was answered.
        previous_statistics: statistics of the previous window; None for the first.
        evaluation: the Evaluator's output for the labelled rows; None if there are none.
        code_digest: digest of the code that measures, part of the cache key.
    """

    SPEC_CLASS = WindowMonitorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        training_statistics: types.BaseChannel,
        schema: types.BaseChannel,
        window: Mapping[str, Any],
        released: Mapping[str, Mapping[str, float]],
        settings: MonitoringConfig,
        statistics: types.BaseChannel | None = None,
        previous_statistics: types.BaseChannel | None = None,
        evaluation: types.BaseChannel | None = None,
        code_digest: str = "",
    ) -> None:
        super().__init__(
            WindowMonitorSpec(
                statistics=statistics,
                training_statistics=training_statistics,
                schema=schema,
                previous_statistics=previous_statistics,
                evaluation=evaluation,
                window=json.dumps(window, sort_keys=True),
                released=json.dumps(released, sort_keys=True),
                settings=settings.model_dump_json(),
                code_digest=code_digest,
                measures=types.Channel(type=standard_artifacts.JsonValue),
            )
        )


def read_split_statistics(artifact: types.Artifact, split: str) -> statistics_pb2.DatasetFeatureStatistics:
    """The statistics over all rows of a split."""
    return stats_artifact_utils.load_statistics(artifact, split).get_default_slice().proto()


def _read_served_statistics(artifacts: list[types.Artifact]) -> statistics_pb2.DatasetFeatureStatistics | None:
    return read_split_statistics(artifacts[0], SERVED) if artifacts else None
