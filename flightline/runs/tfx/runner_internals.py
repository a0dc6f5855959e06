"""Private names of TFX that running a DAG needs; `flightline.components.tfx_internals` has those of components."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flightline.components.tfx_internals import CHECKED_VERSIONS
from flightline.utils.private_api import PrivateApi, PrivateName

RUNNER = PrivateApi(
    "tfx",
    CHECKED_VERSIONS,
    [
        PrivateName("tfx.orchestration.portable.tfx_runner:_make_pipeline_proto", ("pipeline",)),
        PrivateName("tfx.orchestration.portable.tfx_runner:_run_opts_to_proto", ("run_options",)),
        PrivateName(
            "tfx.orchestration.portable.cache_utils:get_cache_context",
            (
                "metadata_handle",
                "pipeline_node",
                "pipeline_info",
                "executor_spec",
                "input_artifacts",
                "output_artifacts",
                "parameters",
            ),
        ),
        PrivateName("tfx.orchestration.portable.cache_utils:get_cached_outputs", ("metadata_handle", "cache_context")),
        PrivateName("tfx.orchestration.portable.launcher:Launcher", instance_attributes=("_pipeline_node",)),
        "tfx.orchestration.portable.launcher:Launcher.launch",
        PrivateName("tfx.orchestration.portable.launcher:Launcher._run_executor", ("execution_info",)),
        PrivateName("tfx.orchestration.metadata:Metadata", instance_attributes=("_connection_config",)),
        "tfx.orchestration.metadata:Metadata.__enter__",
        "tfx.orchestration.beam.beam_dag_runner:beam",  # its global, of which our copy of run_with_ir has another
    ],
)


def get_node_id(launcher: Any) -> str:
    """The id of the node that a `Launcher` launches."""
    return launcher._pipeline_node.node_info.id


def get_connection_config(metadata: Any) -> Any:
    """The connection config of a `Metadata` handle."""
    return metadata._connection_config


@contextmanager
def use_connection_config(metadata: Any, config: Any) -> Iterator[None]:
    """Inside the block, a `Metadata` handle connects with another config."""
    original = metadata._connection_config
    metadata._connection_config = config
    try:
        yield
    finally:
        metadata._connection_config = original
