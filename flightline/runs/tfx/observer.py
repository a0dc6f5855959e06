"""Follows a run: what the runner launches, what ML Metadata says came of it, and what the screen shows."""

from __future__ import annotations

import re
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path

import ml_metadata as mlmd
from absl import logging
from ml_metadata.proto import metadata_store_pb2

from flightline.config.settings import Config
from flightline.errors import FlightlineError, StepFailed, summarize_error
from flightline.metadata.cache_key import KeyParts, reason_to_run
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, KEY_PARTS_PROPERTY
from flightline.metadata.row_counts import count_rows
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.metadata.step import Step
from flightline.metadata.store import StoreNotFound, has_store, record_failure, save_run_properties
from flightline.reporting.progress_table import ProgressDisplay
from flightline.runs.process.resources import cpu_seconds, peak_memory_mb, release_memory, reset_peak_memory

_STEP_FAILED_LINE = re.compile(r"^flightline\.StepFailed: (.*)$", re.MULTILINE)
ATTEMPTS_PROPERTY = "attempts"  # of an execution: at which try it was done, where that was not the first
STATE_LABELS = {"COMPLETE": "ran", "CACHED": "cached"}


@dataclass
class RunObserver:
    """Reports each node to the screen, and stops the run at one that TFX would pass over in silence.

    Attributes:
        where: the config whose store it is, or the sqlite file.
        failures: what each failed node raised, as raised in this process.
        about: facts to keep with the run as a whole, once it is on record.
        timings: wall and CPU seconds (children included) and peak memory (without them) of each node.
    """

    run_id: str
    where: Config | Path
    screen: ProgressDisplay
    failures: dict[str, BaseException] = field(default_factory=dict)
    timings: dict[str, dict[str, float]] = field(default_factory=dict)
    current: str = ""
    cache: bool = True
    about: dict[str, str] = field(default_factory=dict)
    _parts: dict[str, KeyParts] = field(default_factory=dict)
    _before: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), initial_cpu_seconds()))

    def started(self, node: str) -> None:
        self.current = node
        self._before = (time.monotonic(), cpu_seconds())
        release_memory()
        reset_peak_memory()
        self.screen.step_started(node)

    def progress(self, rows: int) -> None:
        """Called by executors that count the rows as they go."""
        self.screen.progress(self.current, rows)

    def note(self, text: str) -> None:
        """Called by executors that have something to say to the user."""
        self.screen.note(text)

    def ended(self, node: str, attempts: int = 1) -> None:
        """Shows the node's own state: that the launcher returned says nothing.

        Raises:
            StepFailed: the node has no execution, or one that did not complete.
        """
        step = self.run().steps.get(node)
        if step is None:
            raise StepFailed(f"{node} never ran: TFX skipped it", "look for its name in the log")
        if not step.done:
            if ours := _STEP_FAILED_LINE.search(
                step.message
            ):  # raised while its inputs were looked for; TFX takes it down
                raise StepFailed(ours[1])
            raise StepFailed(
                f"{node} could not start: its inputs are not in ML Metadata",
                "run the steps before it, or all of them; the log names the missing input",
            )
        self.measure(node)
        self._keep(step, attempts)
        self.screen.step_ended(node, STATE_LABELS[step.state], count_rows(step), self.reason(step))

    def keyed(self, node: str, parts: KeyParts) -> None:
        self._parts[node] = parts

    def reason(self, step: Step) -> str:
        """Why a step ran, or was not run again; nothing for nodes that only look things up."""
        run = self.run()
        parts = self._parts.get(step.node)
        if parts is None:
            return ""
        if step.state == "CACHED":
            return f"from {step.cached_from}: nothing it depends on has changed"
        before = self._runs().before(run, step.node)
        return reason_to_run(parts, before.key_parts if before else None, self.cache)

    def _keep(self, step: Step, attempts: int) -> None:
        """Adds to the lineage what TFX leaves out: the parts of the key, and digests of what the step made."""
        store = self.store
        if self.about:
            save_run_properties(store, self.run_id, self.about)
            self.about = {}
        [execution] = store.get_executions_by_id([step.execution_id])
        if attempts > 1:
            execution.custom_properties[ATTEMPTS_PROPERTY].int_value = attempts
        if step.node in self._parts:
            execution.custom_properties[KEY_PARTS_PROPERTY].string_value = self._parts[step.node].to_json()
        store.put_executions([execution])
        from flightline.metadata.content_digest import digest_artifact

        made = [a for some in step.outputs.values() for a in some if CONTENT_DIGEST_PROPERTY not in a.custom_properties]
        for artifact in made:
            try:
                artifact.custom_properties[CONTENT_DIGEST_PROPERTY].string_value = digest_artifact(
                    artifact.type, artifact.uri
                )
            except OSError as error:  # an output that the step left empty
                logging.info("%s has no content to digest: %s", artifact.uri, error)
        store.put_artifacts(made)

    def failed(self, node: str, error: BaseException) -> None:
        logging.error("%s failed:\n%s", node, "".join(traceback.format_exception(error)))
        self.measure(node)
        self.failures[node] = error
        self.screen.step_ended(node, "failed", None)
        try:
            step = self.run().steps.get(node)
            if step is not None and step.state in {"FAILED", "RUNNING"} and not step.message:
                self._record(step, error)
        except (FlightlineError, mlmd.errors.StatusError) as unreachable:  # often what the step failed of, too
            logging.error("the failure of %s could not be put on record: %s", node, unreachable)

    def run(self) -> Run:
        """The run as ML Metadata has it now; empty where nothing is recorded yet."""
        try:
            found = self._runs().find(self.run_id)
        except StoreNotFound:
            found = None
        return found or Run(self.run_id, "", 0, {})

    def has_earlier_run(self) -> bool:
        """Whether ML Metadata knows any run at all."""
        return has_store(self.where) and any(True for _ in self._runs())

    @property
    def store(self) -> mlmd.MetadataStore:
        return self._runs().store

    def _runs(self) -> Runs:
        return Runs.open(self.where)

    def _record(self, step: Step, error: BaseException) -> None:
        store = self.store
        [execution] = store.get_executions_by_id([step.execution_id])
        code, record = (
            (error.exit_code, error.record) if isinstance(error, FlightlineError) else (StepFailed.exit_code, "")
        )
        reason = record or summarize_error(error) or type(error).__name__
        if step.state == "RUNNING":  # interrupted: TFX would leave it so for ever
            execution.last_known_state = metadata_store_pb2.Execution.CANCELED
        record_failure(store, execution, code, reason)

    def measure(self, node: str) -> None:
        """Keeps what has been used since the node started (since the process did, before the first)."""
        wall, cpu = self._before
        used = {"wall_s": time.monotonic() - wall, "cpu_s": cpu_seconds() - cpu, "peak_mb": peak_memory_mb()}
        self.timings[node] = used


def initial_cpu_seconds() -> float:
    """What a run does not answer for: nothing, but in a process that has carried out others."""
    return cpu_seconds() if "tfx" in sys.modules else 0.0
