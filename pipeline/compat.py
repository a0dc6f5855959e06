"""The one place that knows which TFX this is, and the only one that reaches below its public API.

Serves TFX 1.16 (Python 3.10) and TFX 1.21 (Python 3.11-3.13) with the same code: what is used here is the same in
both. A new TFX line is made to fit here and nowhere else.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from tfx import v1 as tfx
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.beam import beam_dag_runner
from tfx.orchestration.local import local_dag_runner
from tfx.orchestration.portable import launcher, partial_run_utils, runtime_parameter_utils, tfx_runner
from tfx.proto.orchestration import pipeline_pb2

from models.settings import suggestion
from pipeline.engines.arguments import RunnerName
from pipeline.errors import UsageError

RUNNERS = {"local": local_dag_runner.LocalDagRunner, "beam": beam_dag_runner.BeamDagRunner}
PIPELINE_RUN_ID = "pipeline-run-id"
NEEDED = (
    "Evaluator",
    "ExampleValidator",
    "ImportSchemaGen",
    "Pusher",
    "SchemaGen",
    "StatisticsGen",
    "Trainer",
    "Transform",
)


class LaunchObserver(Protocol):
    """Told of every node as the runner comes to it; may raise to stop the run."""

    def started(self, node: str) -> None: ...

    def ended(self, node: str) -> None: ...

    def failed(self, node: str, error: BaseException) -> None: ...


def require_components() -> None:
    """Fails loudly where a component could not be imported: TFX silently makes it `None`.

    Raises:
        ImportError: naming the components.
    """
    absent = [name for name in NEEDED if getattr(tfx.components, name, None) is None]
    if absent:
        raise ImportError(f"TFX was installed incompletely: {', '.join(absent)} cannot be imported; set it up again")


def compile_pipeline(
    pipeline: tfx_pipeline.Pipeline, run_id: str, from_node: str | None = None, to_node: str | None = None
) -> pipeline_pb2.Pipeline:
    """The pipeline's intermediate representation, with our run id in it (the runners would make one of the time).

    With `from_node` or `to_node` only the nodes between are marked to run; the rest is taken from the latest run.

    Raises:
        UsageError: one of them is not in the pipeline.
    """
    ids = [component.id for component in pipeline.components]
    for node in (from_node, to_node):
        if node is not None and node not in ids:
            raise UsageError(f"there is no node {node} in the DAG", suggestion(node, ids))
    ir = tfx_runner._make_pipeline_proto(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(ir, {PIPELINE_RUN_ID: run_id})
    if from_node or to_node:
        bounds = [[node] if node else None for node in (from_node, to_node)]
        asked = tfx_runner._run_opts_to_proto(tfx_pipeline.RunOptions(*bounds)).partial_run
        partial_run_utils.mark_pipeline(
            ir, asked.from_nodes or None, asked.to_nodes or None, snapshot_settings=asked.snapshot_settings
        )
        if not nodes_to_run(ir):
            raise UsageError(
                f"no node lies between --from {from_node} and --to {to_node}", "--to must come after --from"
            )
    return ir


def nodes_to_run(ir: pipeline_pb2.Pipeline) -> list[str]:
    """The ids of the nodes that a run does not skip, in topological order."""
    nodes = [node.pipeline_node for node in ir.nodes]
    return [node.node_info.id for node in nodes if not node.execution_options.HasField("skip")]


def upstream_nodes(ir: pipeline_pb2.Pipeline) -> dict[str, list[str]]:
    """Node → the nodes that it waits for, for its inputs or because it was told to."""
    return {node.pipeline_node.node_info.id: list(node.pipeline_node.upstream_nodes) for node in ir.nodes}


def run_ir(runner: RunnerName, ir: pipeline_pb2.Pipeline, observer: LaunchObserver) -> None:
    """Runs a compiled pipeline; raises what the first node that failed raised, or the observer."""
    with observed_launches(observer):
        RUNNERS[runner]().run_with_ir(ir)


@contextlib.contextmanager
def observed_launches(observer: LaunchObserver) -> Iterator[None]:
    """While entered, every node that a runner launches in this process is reported to `observer`.

    Both runners look the class up in its module at each node. There is no hook for this in TFX; the alternative is a
    copy of each runner.
    """
    stock: Any = launcher.Launcher

    class ObservedLauncher(stock):
        def launch(self) -> Any:
            node = self._pipeline_node.node_info.id
            observer.started(node)
            try:
                info = super().launch()
                observer.ended(node)
            except BaseException as error:
                observer.failed(node, error)
                raise
            return info

    launcher.Launcher = ObservedLauncher
    try:
        yield
    finally:
        launcher.Launcher = stock
