"""Clean up after a run that was killed, and resume it.

TFX records a step's outputs in one transaction when the step is done, so no other step reads what a killed step has
written. A killed step leaves an execution that is RUNNING forever, which is marked as abandoned, and files, which are
removed. The finished steps are in the cache, whose keys are digests of content: a run with the same config takes them
from there, and has the result that the killed run would have had.
"""

from __future__ import annotations

import itertools
import shutil
from dataclasses import dataclass
from pathlib import Path

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.errors import EXIT_OK, DataBlocked, Interrupted, NotBlessed, UsageError
from flightline.metadata.provenance import read_provenance
from flightline.metadata.run_ids import base_run_id
from flightline.metadata.store import has_store, open_store, record_failure
from flightline.releases.registry import finish_interrupted_change
from flightline.reporting.html.data import REPORT_HTML
from flightline.reporting.summary import Summary
from flightline.runs.state.run_folder import CONFIG_FILE
from flightline.utils.safe_yaml import parse_yaml
from flightline.utils.storage import is_uri

_ABANDONED_REASON = "abandoned: the run was killed, or its machine went down"
# The run ended with a verdict: running it again would lead to the same one.
_FINAL_EXIT_CODES = {EXIT_OK, DataBlocked.exit_code, NotBlessed.exit_code}


@dataclass(frozen=True)
class ResumableRun:
    """A run that can be resumed.

    Attributes:
        run_id: its id.
        config: the file with its config.
        to_node: its last node; None for the end of the DAG.
    """

    run_id: str
    config: Path
    to_node: str | None

    @property
    def next_run_id(self) -> str:
        """Return the id for the run that resumes it: after `r` comes `r.2`, then `r.3`, ..."""
        runs = self.config.parent.parent
        first = base_run_id(self.run_id)
        return next(name for name in (f"{first}.{n}" for n in itertools.count(2)) if not (runs / name).exists())


def clean_up_killed_runs(config: Config) -> list[str]:
    """Mark this pipeline's RUNNING steps as abandoned, and remove their files.

    Call it while the pipeline's lock is held, when no run is active.

    Returns:
        `STEP of run RUN` for each step.
    """
    finish_interrupted_change(config.releases)
    if not has_store(config):
        return []
    store = open_store(config)
    pipeline = store.get_context_by_type_and_name("pipeline", config.name)
    abandoned = []
    for execution in store.get_executions_by_context(pipeline.id) if pipeline else []:
        if execution.last_known_state not in (pb.Execution.RUNNING, pb.Execution.NEW):
            continue
        names = {context.type: context.name for context in store.get_contexts_by_execution(execution.id)}
        node = names.get("node", "").removeprefix(f"{config.name}.")
        execution.last_known_state = pb.Execution.CANCELED
        store.put_executions([execution])
        record_failure(store, execution, Interrupted.exit_code, _ABANDONED_REASON)
        _remove_outputs(config, node, execution.id)
        abandoned.append(f"{node} of run {names.get('pipeline_run', '')}")
    return abandoned


def find_resumable_run(config: Config) -> ResumableRun:
    """Return the pipeline's newest run, if it has no verdict or no report: killed, interrupted, or with a failed step.

    Scoring and monitoring runs, whose folders have no provenance, are not resumed but started again.

    Raises:
        UsageError: the newest run ended with a verdict, or there is none.
    """
    folders = sorted((config.workspace / "runs").glob(f"*/{CONFIG_FILE}"), key=lambda path: -path.stat().st_mtime_ns)
    for path in folders:
        origin = read_provenance(path.parent)
        if origin is None or _read_pipeline_name(path) != config.name:
            continue
        summary = Summary.read_if_valid(path.parent)
        has_report = (path.parent / REPORT_HTML).is_file()  # without: killed while it was written
        if summary and summary.exit_code in _FINAL_EXIT_CODES and has_report:
            newest = f"the newest run of {config.name}, {path.parent.name}, has ended"
            raise UsageError(f"{newest}: there is no unfinished run to resume", "leave out --resume")
        return ResumableRun(path.parent.name, path, origin.run_arguments.get("to") or None)
    raise UsageError(f"there is no unfinished run in {config.workspace} to resume", "leave out --resume")


def _read_pipeline_name(path: Path) -> object:
    try:
        return parse_yaml(path.read_text(encoding="utf-8"))["name"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remove_outputs(config: Config, node: str, execution_id: int) -> None:
    """Remove an execution's files: TFX writes NODE/OUTPUT/EXECUTION and NODE/.system/KIND/EXECUTION."""
    if is_uri(config.artifacts):
        return
    folder = Path(config.artifacts) / node
    for left in [*folder.glob(f"*/{execution_id}"), *folder.glob(f".system/*/{execution_id}")]:
        shutil.rmtree(left, ignore_errors=True)
