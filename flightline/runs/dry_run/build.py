"""`--engine dataflow --dry-run`: build and show every component's Dataflow job, without credentials or a network.

A job's graph depends on data and artifacts (a schema, a transform graph, a model). Therefore the DAG runs on this
machine on a small sample, in a temporary workspace with its own metadata store. Before each Beam component runs there,
the executor that Dataflow would get builds its job from the same inputs and the config's own settings. Nothing is
uploaded or submitted.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from absl import logging

from flightline.config.gate import GateConfig
from flightline.config.loader import check_against_data, load_config, require_thresholds
from flightline.config.metadata import MetadataConfig
from flightline.config.settings import Config
from flightline.engines.arguments import RunnerName
from flightline.engines.validation import check_engine
from flightline.errors import FlightlineError, Interrupted, StepFailed, UsageError, print_error, summarize_error
from flightline.runs.dry_run import display
from flightline.runs.dry_run.sample import write_file_head, write_schema_rows
from flightline.runs.request import RunRequest
from flightline.runs.run_loop import CompletedDag, DagRun, ScreenOptions, run_dag
from flightline.utils.dotted_path import load_function
from flightline.utils.terminal import escape

LAST_BEAM_NODE = "Evaluator"  # the nodes after it run no Beam pipeline
RUN_ID = "sample"
PERMISSIVE_GATE = GateConfig(max_rejected={"unparsable": 1.0, "missing_label": 1.0})  # a sample is too small to judge


@dataclass
class JobGraphBuilder:
    """Builds the jobs of a DAG's Beam components, each just before the sample run executes it.

    Attributes:
        folder: for what the executors write, which is not kept.
        executors: node → executor spec with the arguments for Dataflow.
        jobs: node → the jobs that were built.
    """

    folder: Path
    executors: Mapping[str, Any] = field(default_factory=dict)
    jobs: dict[str, list[Any]] = field(default_factory=dict)

    def build(self, node: str, execution: Any) -> bool:
        """Build the jobs of a node for an execution of it, if it is a Beam component.

        Returns:
            Whether the sample run has to execute the node: nothing reads the outputs of the last one.

        Raises:
            StepFailed: the jobs could not be built.
        """
        if node not in self.executors:
            return True
        from flightline.engines.dataflow_jobs import record_dry_run_jobs
        from flightline.runs.tfx import compat

        with record_dry_run_jobs() as jobs:
            try:
                compat.run_beam_executor(self.executors[node], execution, self.folder / node)
            except Exception as error:
                if not jobs:
                    raise StepFailed(f"the job graph of {node} could not be built: {summarize_error(error)}") from error
                # The job was built; the executor then failed to read results, as a dry run has none.
                logging.exception("%s ended after its job graph was built, when it looked for results", node)
        if not jobs:
            raise StepFailed(f"{node} built no Dataflow job", "its executor ran without Beam; see the log")
        self.jobs[node] = jobs
        return node != LAST_BEAM_NODE


@dataclass
class DryRun:
    """One dry run: two configs of the same DAG on the same sample.

    Attributes:
        local: runs the DAG on this machine.
        remote: has the arguments for Dataflow; its jobs are built.
    """

    local: Config
    remote: Config
    builder: JobGraphBuilder

    def compile_dag(self) -> Any:
        """Compile the DAG for this machine, and keep the executor specs that Dataflow would get."""
        from flightline.runs.tfx import compat

        user_code = self.local.user_code
        create_pipeline = load_function("user_code.training_pipeline", user_code.training_pipeline)
        ir = compat.compile_pipeline(create_pipeline(self.local, cache=False), RUN_ID, None, LAST_BEAM_NODE)
        on_dataflow = compat.compile_pipeline(create_pipeline(self.remote, cache=False), RUN_ID)
        nodes = compat.nodes_to_run(ir)
        specs = compat.beam_executor_specs(on_dataflow)
        self.builder.executors = {node: spec for node, spec in specs.items() if node in nodes}
        return ir

    def intercept(self) -> AbstractContextManager[None]:
        """Return a context in which jobs are built before their nodes are executed."""
        from flightline.runs.tfx.launcher_hooks import intercept_executors

        return intercept_executors(self.builder.build)


def dry_run(request: RunRequest, runner: RunnerName, sample: Path | None = None, as_json: bool = False) -> int:
    """Build and show the jobs; return the exit code. A failure's last line has been written to stderr.

    Args:
        request: the config and its overrides; its other fields do not apply.
        runner: the runner that would run the DAG; it is a label of the jobs.
        sample: a file with rows to build from; None for random rows that fit the schema.
        as_json: print the jobs as one JSON document on stdout, and the progress on stderr.
    """
    folder = Path(tempfile.mkdtemp(prefix="flightline-dry-run-"))
    try:
        config = _load_checked_config(request)
        local, remote = _sample_configs(config, sample, folder)
    except FlightlineError as error:
        shutil.rmtree(folder)
        print_error(sys.stderr, error)
        return error.exit_code
    builder = JobGraphBuilder(folder / "not-kept")

    def show_result(dag: CompletedDag) -> FlightlineError | None:
        if dag.observer.failures:
            return _translate_failure(*next(iter(dag.observer.failures.items())))
        if as_json:
            document = {node: [display.job_to_dict(job) for job in jobs] for node, jobs in builder.jobs.items()}
            dag.stdout.write(json.dumps(document, indent=2) + "\n")
        else:
            display.show_jobs(dag.console, builder.jobs)
        return None

    dry = DryRun(local, remote, builder)
    source = f"the first rows of {sample}" if sample else f"random rows that fit {config.schema_file}"
    dag_run = DagRun(
        config=local,
        folder=folder,
        run_id=RUN_ID,
        heading=f"Dataflow dry run of [bold]{config.name}[/], on {escape(source)}",
        compile_dag=dry.compile_dag,
        show_result=show_result,
        runner=runner,
        around_nodes=dry.intercept,
    )
    result = run_dag(dag_run, ScreenOptions("stderr" if as_json else "stdout", request.plain))
    if result.error is None:
        shutil.rmtree(folder)
    return result.code


def _load_checked_config(request: RunRequest) -> Config:
    """Load the config and check everything that a run on Dataflow would check before it starts."""
    config = load_config(request.config, request.overrides)
    if config.engine.name != "dataflow":
        raise UsageError(
            f"--dry-run builds Dataflow jobs, and engine.name is {config.engine.name}", "add --engine dataflow"
        )
    if request.from_node or request.to_node or request.run_id:
        raise UsageError("--dry-run builds all jobs and starts no run", "leave out --from, --to and --run-id")
    check_engine(config)
    require_thresholds(config)
    return config


def _sample_configs(config: Config, sample: Path | None, folder: Path) -> tuple[Config, Config]:
    """Return two configs of the same DAG on the same sample: to run it here, and to build its jobs.

    Raises:
        UsageError: the sample cannot be read, or does not fit the config.
    """
    data = folder / "sample"
    data.mkdir()
    file = write_file_head(sample, data) if sample else write_schema_rows(config.schema_file, config.label, data)
    settings = {
        "workspace": folder / "workspace",
        "pipeline_root": None,
        "metadata": MetadataConfig(),  # a temporary store
        "data": config.data.model_copy(update={"input": str(data), "pattern": file.name, "span": None}),
        "gate": PERMISSIVE_GATE,
        "train": config.train.model_copy(update={"epochs": 1, "min_steps": 1}),
    }
    local = config.model_copy(update={**settings, "engine": config.engine.model_copy(update={"name": "local"})})
    check_against_data(local)
    arguments = (*config.engines.beam_arguments, "--dry_run=True")
    engines = config.engines.model_copy(update={"beam_arguments": arguments})
    (folder / "workspace").mkdir()
    return local, config.model_copy(update={**settings, "engines": engines})


def _translate_failure(node: str, error: BaseException) -> FlightlineError:
    """Return the error of a node that failed, which says that the sample run caused it."""
    if isinstance(error, FlightlineError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted(f"interrupted in {node}")
    return StepFailed(
        f"{node} failed on the sample: {summarize_error(error)}",
        "try real rows: --sample FILE, a CSV or Parquet file",
    )
