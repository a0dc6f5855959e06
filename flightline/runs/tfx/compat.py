"""How a compiled pipeline runs: TFX's runners, with hooks at each node that TFX does not offer itself.

The same code serves TFX 1.16 (Python 3.10) and TFX 1.21 (Python 3.11-3.13). `RUNNER` lists TFX's private names that
the hooks need; those of the components are in `flightline.components.tfx_internals`.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import attr
from tfx import v1 as tfx
from tfx.orchestration import pipeline as tfx_pipeline
from tfx.orchestration.beam import beam_dag_runner
from tfx.orchestration.local import local_dag_runner, runner_utils
from tfx.orchestration.portable import (
    beam_executor_operator,
    data_types,
    launcher,
    outputs_utils,
    partial_run_utils,
    runtime_parameter_utils,
)
from tfx.orchestration.portable.mlmd import context_lib
from tfx.proto.orchestration import executable_spec_pb2, execution_result_pb2, pipeline_pb2

from flightline.components.tfx_internals import CHECKED_VERSIONS
from flightline.config.steps import StepsConfig
from flightline.engines.arguments import RunnerName
from flightline.errors import UsageError
from flightline.metadata import mysql
from flightline.metadata.cache_key import KeyParts, compute_key_parts
from flightline.runs.process.resources import freeze_gc
from flightline.runs.tfx.retries import run_with_retries
from flightline.utils.private_api import PrivateApi, PrivateName
from flightline.utils.suggestions import suggest_names

RUNNERS = {"local": local_dag_runner.LocalDagRunner, "beam": beam_dag_runner.BeamDagRunner}
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
        PrivateName("tfx.orchestration.portable.launcher:Launcher", instance_attributes=("_pipeline_node",)),
        "tfx.orchestration.portable.launcher:Launcher.launch",
        PrivateName("tfx.orchestration.portable.launcher:Launcher._run_executor", ("execution_info",)),
        PrivateName("tfx.orchestration.metadata:Metadata", instance_attributes=("_connection_config",)),
        "tfx.orchestration.metadata:Metadata.__enter__",
    ],
)
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


class LaunchObserver(Protocol):
    """Told of every node as the runner comes to it; may raise to stop the run."""

    def started(self, node: str) -> None: ...

    def ended(self, node: str, attempts: int) -> None: ...

    def failed(self, node: str, error: BaseException) -> None: ...

    def note(self, text: str) -> None: ...

    def keyed(self, node: str, parts: KeyParts) -> None:
        """The parts of the node's cache key, before it is looked up."""
        ...


def require_components() -> None:
    """Fails loudly where a component could not be imported: TFX silently makes it `None`.

    Raises:
        ImportError: naming the components.
    """
    absent = [name for name in REQUIRED_COMPONENTS if getattr(tfx.components, name, None) is None]
    if absent:
        raise ImportError(f"TFX was installed incompletely: {', '.join(absent)} cannot be imported; set it up again")


def compile_pipeline(
    pipeline: tfx_pipeline.Pipeline, run_id: str, from_node: str | None = None, to_node: str | None = None
) -> pipeline_pb2.Pipeline:
    """The pipeline's intermediate representation, with our run id in it (the runners would make one of the time).

    With `from_node` or `to_node` only the nodes between are marked to run; the rest is taken from the latest run.

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
        asked = RUNNER.run_opts_to_proto(tfx_pipeline.RunOptions(*bounds)).partial_run
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


def run_ir(
    runner: RunnerName, ir: pipeline_pb2.Pipeline, observer: LaunchObserver, steps: StepsConfig | None = None
) -> None:
    """Runs a compiled pipeline; raises what the first node that failed raised, or the observer.

    `steps` says how often a node is tried, and how long a try may take; once and as long as it likes, without.
    """
    freeze_gc()
    with observe_launches(observer, steps or StepsConfig(retries=0)):
        RUNNERS[runner]().run_with_ir(ir)


@contextlib.contextmanager
def observe_launches(observer: LaunchObserver, steps: StepsConfig) -> Iterator[None]:
    """While entered, every node that a runner launches in this process is reported to `observer`, and has our key.

    Both runners look the class up in its module at each node, and the launcher its cache's key. There is no hook for
    this in TFX; the alternative is a copy of each runner.
    """
    stock: Any = launcher.Launcher

    class ObservedLauncher(stock):
        def launch(self) -> Any:
            node = self._pipeline_node.node_info.id
            observer.started(node)
            try:
                # Launched again, TFX registers another execution; the one that failed stays on record.
                info, attempts = run_with_retries(steps, node, super().launch, observer.note)
                observer.ended(node, attempts)
            except BaseException as error:
                observer.failed(node, error)
                raise
            return info

    def digest_cache_context(
        metadata_handle: Any,
        pipeline_node: Any,
        pipeline_info: Any,
        executor_spec: Any = None,
        input_artifacts: Mapping[str, Sequence[Any]] | None = None,
        output_artifacts: Any = None,  # noqa: ARG001 - TFX's argument
        parameters: Mapping[str, Any] | None = None,
    ) -> Any:
        inputs = {key: [artifact.mlmd_artifact for artifact in some] for key, some in (input_artifacts or {}).items()}
        parts = compute_key_parts(inputs, parameters or {}, _executor_class_path(executor_spec))
        observer.keyed(pipeline_node.node_info.id, parts)
        return context_lib.register_context_if_not_exists(
            metadata_handle=metadata_handle,
            context_type_name=context_lib.CONTEXT_TYPE_EXECUTION_CACHE,
            context_name=f"{pipeline_info.id}.{pipeline_node.node_info.id}.{parts.key}",
        )

    with (
        RUNNER.replace("Launcher", ObservedLauncher),
        RUNNER.replace("get_cache_context", digest_cache_context),
        inject_store_password(),
    ):
        yield


def _executor_class_path(spec: Any) -> str | None:
    """The dotted path of the class that an executor spec names, Beam's or plain."""
    spec = getattr(spec, "python_executor_spec", spec)
    return getattr(spec, "class_path", None)


def beam_executor_specs(ir: pipeline_pb2.Pipeline) -> dict[str, Any]:
    """The executor specs of the nodes whose work is a Beam pipeline, by node, in topological order."""
    deployment = runner_utils.extract_local_deployment_config(ir)
    nodes = [node.pipeline_node.node_info.id for node in ir.nodes]
    specs = {node: runner_utils.extract_executor_spec(deployment, node) for node in nodes}
    return {node: spec for node, spec in specs.items() if isinstance(spec, executable_spec_pb2.BeamExecutableSpec)}


@contextlib.contextmanager
def intercept_executors(callback: Callable[[str, data_types.ExecutionInfo], bool]) -> Iterator[None]:
    """While entered, `callback(node, execution)` is asked before a runner of this process executes a node.

    Its inputs are resolved then and its properties settled. Where the answer is False the node is not executed, and is
    on record with empty outputs. There is no hook for this in TFX either.
    """
    stock = RUNNER.run_executor

    def run_executor(self: Any, execution: data_types.ExecutionInfo) -> Any:
        if callback(self._pipeline_node.node_info.id, execution):
            return stock(self, execution)
        outputs_utils.make_output_dirs(execution.output_dict)
        return execution_result_pb2.ExecutorOutput()

    with RUNNER.replace("run_executor", run_executor):
        yield


def run_beam_executor(executor: Any, execution: data_types.ExecutionInfo, folder: Path) -> None:
    """Runs a Beam executor of `beam_executors` on an execution of another pipeline; all it writes is below `folder`."""
    outputs = copy.deepcopy(execution.output_dict)
    for key, artifacts in outputs.items():
        for number, artifact in enumerate(artifacts):
            artifact.uri = str(folder / key / str(number))
            Path(artifact.uri).mkdir(parents=True)
    aside = attr.evolve(
        execution,
        input_dict=copy.deepcopy(execution.input_dict),
        output_dict=outputs,
        exec_properties=copy.deepcopy(execution.exec_properties),
        execution_output_uri=str(folder / "executor_output.pb"),
        stateful_working_dir=str(folder / "working"),
        tmp_dir=str(folder / "tmp"),
    )
    beam_executor_operator.BeamExecutorOperator(executor).run_executor(aside)


@contextlib.contextmanager
def inject_store_password() -> Iterator[None]:
    """While entered, TFX's connections to the metadata store have the password, and nothing else has.

    TFX would have it in the pipeline's configuration, which its runners log and hand on.
    """
    stock = RUNNER.enter

    def enter(self: Any) -> Any:
        given = self._connection_config
        self._connection_config = mysql.with_password(given)
        try:
            with mysql.suppress_logging():
                return stock(self)
        finally:
            self._connection_config = given

    with RUNNER.replace("enter", enter):
        yield
