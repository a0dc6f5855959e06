"""Hooks before, around and after each node of a run; TFX's launcher has none of its own.

Each is a context manager that replaces a name in one of TFX's modules while it is entered, and restores it afterwards.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from tfx.orchestration.portable import data_types, launcher, outputs_utils
from tfx.orchestration.portable.mlmd import context_lib
from tfx.proto.orchestration import execution_result_pb2

from flightline.config.steps import StepsConfig
from flightline.executors import progress
from flightline.metadata import mysql
from flightline.metadata.cache_key import compute_key_parts
from flightline.metadata.key_parts import KeyParts
from flightline.runs.tfx.artifact_checks import check_artifacts
from flightline.runs.tfx.retries import run_with_retries
from flightline.runs.tfx.runner_internals import RUNNER, get_connection_config, get_node_id, use_connection_config


class LaunchObserver(Protocol):
    """Called for every node as the runner launches it; may raise to stop the run."""

    def started(self, node: str) -> None: ...

    def ended(self, node: str, attempts: int) -> None: ...

    def failed(self, node: str, error: BaseException) -> None: ...

    def progress(self, rows: int) -> None: ...

    def note(self, text: str) -> None: ...

    def cache_key_computed(self, node: str, parts: KeyParts) -> None:
        """Called with the parts of the node's cache key, before the key is looked up."""
        ...


@contextlib.contextmanager
def observe_launches(observer: LaunchObserver, steps: StepsConfig) -> Iterator[None]:
    """While entered, every node that a runner launches is reported to `observer`, gets our cache key, and
    reads and takes from the cache only artifacts whose files are those that were recorded.

    Replaces TFX's launcher class and cache key function in their modules, where both runners look them up at each node.
    TFX has no hook for this; the alternative is a copy of each runner.
    """
    stock: Any = launcher.Launcher

    class ObservedLauncher(stock):
        def launch(self) -> Any:
            node = get_node_id(self)
            observer.started(node)
            try:
                # A retry registers another execution in ML Metadata; the failed one stays there.
                # The listener is set here, as Beam launches nodes in threads of its own.
                with progress.listen(observer.progress, observer.note):
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
        inputs = {
            key: [artifact.mlmd_artifact for artifact in artifacts]
            for key, artifacts in (input_artifacts or {}).items()
        }
        parts = compute_key_parts(inputs, parameters or {}, _executor_class_path(executor_spec))
        observer.cache_key_computed(pipeline_node.node_info.id, parts)
        return context_lib.register_context_if_not_exists(
            metadata_handle=metadata_handle,
            context_type_name=context_lib.CONTEXT_TYPE_EXECUTION_CACHE,
            context_name=f"{pipeline_info.id}.{pipeline_node.node_info.id}.{parts.key}",
        )

    with (
        RUNNER.replace("Launcher", ObservedLauncher),
        RUNNER.replace("get_cache_context", digest_cache_context),
        inject_store_password(),
        check_artifacts(steps.verify_artifacts == "digests", observer.note),
    ):
        yield


def _executor_class_path(spec: Any) -> str | None:
    """Return the dotted path of the class that an executor spec names; None for a node without an executor."""
    spec = getattr(spec, "python_executor_spec", spec)
    return getattr(spec, "class_path", None)


@contextlib.contextmanager
def intercept_executors(callback: Callable[[str, data_types.ExecutionInfo], bool]) -> Iterator[None]:
    """While entered, call `callback(node, execution)` before a node is executed, when its inputs are resolved.

    If it returns False, the node is not executed and is recorded with empty outputs. TFX has no hook for this.
    """
    stock = RUNNER.run_executor

    def run_executor(self: Any, execution: data_types.ExecutionInfo) -> Any:
        if callback(get_node_id(self), execution):
            return stock(self, execution)
        outputs_utils.make_output_dirs(execution.output_dict)
        return execution_result_pb2.ExecutorOutput()

    with RUNNER.replace("run_executor", run_executor):
        yield


@contextlib.contextmanager
def inject_store_password() -> Iterator[None]:
    """While entered, TFX's connections to the metadata store get the password, which nothing else sees.

    Otherwise it would be in the pipeline's configuration, which the runners log and pass on.
    """
    stock = RUNNER.enter

    def enter(self: Any) -> Any:
        config = mysql.with_password(get_connection_config(self))
        with use_connection_config(self, config), mysql.suppress_logging():
            return stock(self)

    with RUNNER.replace("enter", enter):
        yield
