"""Compile and run a DAG with TFX's private API: run ids of our own, partial runs, and single Beam executors.

The same code serves TFX 1.16 (Python 3.10) and TFX 1.21 (Python 3.11-3.13); what it uses is the same in both.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import attr
from tfx import v1 as tfx
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import (
    beam_executor_operator,
    data_types,
    partial_run_utils,
    runtime_parameter_utils,
)
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2

from flightline.config.steps import StepsConfig
from flightline.engines.arguments import RunnerName
from flightline.errors import UsageError
from flightline.runs.process.resources import freeze_gc
from flightline.runs.tfx.beam_orchestrator import LocalBeamDagRunner
from flightline.runs.tfx.launcher_hooks import LaunchObserver, observe_launches
from flightline.runs.tfx.runner_internals import RUNNER
from flightline.utils.suggestions import suggest_names

RUNNERS = {"local": local_dag_runner.LocalDagRunner, "beam": LocalBeamDagRunner}
PIPELINE_RUN_ID = "pipeline-run-id"
REQUIRED_COMPONENTS = (
    "Evaluator",
    "ExampleValidator",
    "Pusher",
    "SchemaGen",
    "StatisticsGen",
    "Trainer",
    "Transform",
)


def require_components() -> None:
    """Check that every component could be imported: TFX silently makes one that could not `None`.

    Raises:
        ImportError: naming the components.
    """
    absent = [name for name in REQUIRED_COMPONENTS if getattr(tfx.components, name, None) is None]
    if absent:
        raise ImportError(f"the TFX installation is incomplete: {', '.join(absent)} cannot be imported")


def compile_pipeline(
    pipeline: tfx_pipeline.Pipeline, run_id: str, from_node: str | None = None, to_node: str | None = None
) -> pipeline_pb2.Pipeline:
    """Compile to TFX's intermediate representation, with our run id (the runners would use the time).

    With `from_node` or `to_node` only the nodes between them are marked to run; the rest comes from the latest run.

    Raises:
        UsageError: one of them is not in the pipeline.
        PrivateApiChanged: the installed TFX lacks a name that running the pipeline needs.
    """
    ids = [component.id for component in pipeline.components]
    for node in (from_node, to_node):
        if node is not None and node not in ids:
            raise UsageError(f"there is no node {node} in the DAG", suggest_names(node, ids))
    RUNNER.require()
    ir = RUNNER.make_pipeline_proto(pipeline)
    runtime_parameter_utils.substitute_runtime_parameter(ir, {PIPELINE_RUN_ID: run_id})
    if from_node or to_node:
        bounds = [[node] if node else None for node in (from_node, to_node)]
        options = RUNNER.run_opts_to_proto(tfx_pipeline.RunOptions(*bounds)).partial_run
        partial_run_utils.mark_pipeline(
            ir, options.from_nodes or None, options.to_nodes or None, snapshot_settings=options.snapshot_settings
        )
        if not nodes_to_run(ir):
            raise UsageError(
                f"no node lies between --from {from_node} and --to {to_node}", "--to must come after --from"
            )
    return ir


def nodes_to_run(ir: pipeline_pb2.Pipeline) -> list[str]:
    """Return the ids of the nodes that a run does not skip, in topological order."""
    nodes = [node.pipeline_node for node in ir.nodes]
    return [node.node_info.id for node in nodes if not node.execution_options.HasField("skip")]


def upstream_nodes(ir: pipeline_pb2.Pipeline) -> dict[str, list[str]]:
    """Return node → the nodes that it waits for, for their outputs or by `add_upstream_node`."""
    return {node.pipeline_node.node_info.id: list(node.pipeline_node.upstream_nodes) for node in ir.nodes}


def run_ir(
    runner: RunnerName, ir: pipeline_pb2.Pipeline, observer: LaunchObserver, steps: StepsConfig | None = None
) -> None:
    """Run a compiled pipeline; raise what the first node that failed raised, or what the observer raised.

    Args:
        steps: retries and time limits of the nodes; None for one attempt without a limit.
    """
    freeze_gc()
    with observe_launches(observer, steps or StepsConfig(retries=0)):
        RUNNERS[runner]().run_with_ir(ir)


def beam_executor_specs(ir: pipeline_pb2.Pipeline) -> dict[str, Any]:
    """Return node → executor spec of the nodes that run Beam pipelines, in topological order."""
    deployment = runner_utils.extract_local_deployment_config(ir)
    nodes = [node.pipeline_node.node_info.id for node in ir.nodes]
    specs = {node: runner_utils.extract_executor_spec(deployment, node) for node in nodes}
    return {node: spec for node, spec in specs.items() if isinstance(spec, executable_spec_pb2.BeamExecutableSpec)}


def run_beam_executor(executor: Any, execution: data_types.ExecutionInfo, folder: Path) -> None:
    """Run an executor of `beam_executor_specs` on another pipeline's execution; it writes below `folder` only."""
    outputs = copy.deepcopy(execution.output_dict)
    for key, artifacts in outputs.items():
        for number, artifact in enumerate(artifacts):
            artifact.uri = str(folder / key / str(number))
            Path(artifact.uri).mkdir(parents=True)
    isolated = attr.evolve(
        execution,
        input_dict=copy.deepcopy(execution.input_dict),
        output_dict=outputs,
        exec_properties=copy.deepcopy(execution.exec_properties),
        execution_output_uri=str(folder / "executor_output.pb"),
        stateful_working_dir=str(folder / "working"),
        tmp_dir=str(folder / "tmp"),
    )
    beam_executor_operator.BeamExecutorOperator(executor).run_executor(isolated)
