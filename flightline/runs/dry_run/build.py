"""`--engine dataflow --dry-run`: every component's Dataflow job, built and shown without credentials or network.

A job's graph follows from data and artifacts (a schema, a transform graph, a model), so the DAG is run on this machine
on a small sample, in a temporary workspace with a metadata store of its own. Before the executor of each Beam component
does its work there, the executor that Dataflow would get builds its job from the same inputs and the config's own
settings. Nothing is uploaded or submitted.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from absl import logging
from rich.console import Console

from flightline.config.gate import GateConfig
from flightline.config.loader import check_against_data, load_config, require_thresholds
from flightline.config.metadata import MetadataConfig
from flightline.config.settings import Config
from flightline.engines.arguments import RunnerName, override_beam_argv
from flightline.engines.validation import check_engine
from flightline.errors import EXIT_OK, FlightlineError, StepFailed, UsageError, print_error, summarize_error
from flightline.reporting.progress_table import PLAIN_WIDTH, ProgressDisplay
from flightline.runs.dry_run import display
from flightline.runs.dry_run.sample import write_file_head, write_schema_rows
from flightline.runs.launch import RunRequest
from flightline.runs.process import log_capture
from flightline.runs.process.error_boundary import error_boundary, interrupt_on_sigterm
from flightline.runs.tfx.observer import RunObserver
from flightline.utils.terminal import escape

LAST_BEAM_NODE = "Evaluator"  # what comes after it is no Beam work
PERMISSIVE_GATE = GateConfig(
    max_rejected={"unparsable": 1.0, "missing_label": 1.0}
)  # a sample is too small to be judged


@dataclass
class JobGraphBuilder:
    """Builds the job graphs of a DAG's Beam components as a sample run comes to them.

    Attributes:
        executors: by node, the executor and the arguments that Dataflow would get.
        folder: where the executors may write what is not kept.
        jobs: by node, what was built.
    """

    executors: Mapping[str, Any]
    folder: Path
    jobs: dict[str, list[Any]] = field(default_factory=dict)

    def build(self, node: str, execution: Any) -> bool:
        """Builds the jobs of a node for an execution of it, where it is one of Beam's.

        Returns:
            Whether the sample run has to go on: the last node's own results are of no use.

        Raises:
            StepFailed: they could not be built.
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
                # Built; what its executor makes of the results it cannot do, as there are none.
                logging.exception("%s ended after its job graph was built, when it looked for results", node)
        if not jobs:
            raise StepFailed(f"{node} built no Dataflow job", "its executor ran without Beam; the log has more")
        self.jobs[node] = jobs
        return node != LAST_BEAM_NODE


def dry_run(request: RunRequest, runner: RunnerName, sample: Path | None = None, as_json: bool = False) -> int:
    """Builds and shows the jobs; returns the exit code, after the last line of a failure has been written to stderr.

    Args:
        request: the config and its overrides; the rest of it asks for a run.
        runner: what would run the DAG; it is a label of the jobs.
        sample: rows to build from; made of the schema where it is None.
        as_json: the jobs as one JSON document on stdout, the progress on stderr.
    """
    folder = Path(tempfile.mkdtemp(prefix="flightline-dry-run-"))
    try:
        config = _load_checked_config(request)
        local, remote = _sample_configs(config, sample, folder)
    except FlightlineError as error:
        shutil.rmtree(folder)
        print_error(sys.stderr, error)
        return error.exit_code
    with log_capture.capture_output(folder / "log.txt") as terminal:
        out = terminal.err if as_json else terminal.out
        live = out.isatty() and not request.plain
        console = Console(file=out, force_terminal=live, width=None if live else PLAIN_WIDTH, highlight=False)
        source = f"the first rows of {sample}" if sample else f"rows made of {config.schema_file}"
        console.print(
            f"[bold]Flightline[/]  Dataflow dry run of [bold]{config.name}[/], on {escape(source)}", soft_wrap=True
        )
        with error_boundary() as caught, interrupt_on_sigterm():
            jobs = _build_jobs(local, remote, runner, ProgressDisplay(console, live), folder)
        if caught.error is not None:
            print_error(terminal.err, caught.error, folder / "log.txt")
            return caught.error.exit_code
        if as_json:
            document = {node: [display.job_to_dict(job) for job in of_node] for node, of_node in jobs.items()}
            terminal.out.write(json.dumps(document, indent=2) + "\n")
        else:
            display.show_jobs(console, jobs)
    shutil.rmtree(folder)
    return EXIT_OK


def _load_checked_config(request: RunRequest) -> Config:
    """The config, with everything refused that a run on Dataflow would refuse before it starts."""
    config = load_config(request.config, request.overrides)
    if config.engine.name != "dataflow":
        raise UsageError("--dry-run builds the jobs of Dataflow", f"--engine dataflow, not {config.engine.name}")
    if request.from_node or request.to_node or request.run_id:
        raise UsageError("a dry run builds all jobs and is no run", "leave out --from, --to and --run-id")
    check_engine(config)
    require_thresholds(config)
    return config


def _sample_configs(config: Config, sample: Path | None, folder: Path) -> tuple[Config, Config]:
    """Two configs of the same DAG on the same sample: to run it here, and to build its jobs.

    Raises:
        UsageError: the sample cannot be read, or does not fit the config.
    """
    data = folder / "sample"
    data.mkdir()
    file = write_file_head(sample, data) if sample else write_schema_rows(config.schema_file, config.label, data)
    here = {
        "workspace": folder / "workspace",
        "pipeline_root": None,
        "metadata": MetadataConfig(),  # one that is thrown away
        "data": config.data.model_copy(update={"input": str(data), "pattern": file.name, "span": None}),
        "gate": PERMISSIVE_GATE,
        "train": config.train.model_copy(update={"epochs": 1, "min_steps": 1}),
    }
    local = config.model_copy(update={**here, "engine": config.engine.model_copy(update={"name": "local"})})
    check_against_data(local)
    arguments = (*config.engines.beam_arguments, "--dry_run=True")
    engines = config.engines.model_copy(update={"beam_arguments": arguments})
    (folder / "workspace").mkdir()
    return local, config.model_copy(update={**here, "engines": engines})


def _build_jobs(
    local: Config, remote: Config, runner: RunnerName, screen: ProgressDisplay, folder: Path
) -> dict[str, list[Any]]:
    """The jobs of each Beam component, from a run of `local`."""
    observer = RunObserver("sample", local, screen)
    with screen.status("loading TensorFlow and TFX"):
        log_capture.quiet_libraries()
        from flightline.runs.tfx import compat
        from pipeline import training

        compat.require_components()
        ir = compat.compile_pipeline(
            training.create_pipeline(local, cache=False), observer.run_id, None, LAST_BEAM_NODE
        )
        on_dataflow = compat.compile_pipeline(training.create_pipeline(remote, cache=False), observer.run_id)
    nodes = compat.nodes_to_run(ir)
    executors = {node: spec for node, spec in compat.beam_executor_specs(on_dataflow).items() if node in nodes}
    graphs = JobGraphBuilder(executors, folder / "not-kept")
    screen.open(nodes)
    with ExitStack() as running:
        running.callback(screen.close)
        running.enter_context(_translate_failures(observer))
        running.enter_context(override_beam_argv())
        running.enter_context(compat.intercept_executors(graphs.build))
        compat.run_ir(runner, ir, observer)
    return graphs.jobs


@contextmanager
def _translate_failures(observer: RunObserver) -> Iterator[None]:
    """Says of what a component raised, and a runner may have wrapped, that it came from the sample run."""
    try:
        yield
    except Exception:
        if not observer.failures:
            raise
        node, error = next(iter(observer.failures.items()))
        if isinstance(error, FlightlineError):
            raise error from error.__cause__
        raise StepFailed(
            f"{node} failed on the sample: {summarize_error(error)}",
            "try real rows: --sample FILE, a CSV or Parquet file",
        ) from error
