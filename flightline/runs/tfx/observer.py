"""Observe a run: show each step on the screen, and add to ML Metadata what TFX does not record."""

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
from flightline.metadata.execution_records import write_execution_records
from flightline.metadata.key_parts import KeyParts
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, KEY_PARTS_PROPERTY
from flightline.metadata.row_counts import count_rows
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.metadata.step import Step
from flightline.metadata.store import StoreNotFound, record_failure, save_run_properties
from flightline.reporting.progress_table import ProgressDisplay
from flightline.runs.process.resources import cpu_seconds, peak_memory_mb, release_memory, reset_peak_memory
from flightline.runs.step_reason import REASON_PROPERTY, explain_execution

_STEP_FAILED_LINE = re.compile(rf"^{re.escape(StepFailed.__module__)}\.StepFailed: (.*)$", re.MULTILINE)
ATTEMPTS_PROPERTY = "attempts"  # of an execution that was retried: the number of attempts
STATE_LABELS = {"COMPLETE": "ran", "CACHED": "cached"}


@dataclass
class RunObserver:
    """Shows each node on the screen, records what TFX leaves out, and stops at a node that TFX skipped silently.

    Attributes:
        store_location: the config whose metadata store it is, or the sqlite file.
        failures: node → the exception that it raised in this process.
        properties: facts to save with the run in ML Metadata, once the run has an execution there.
        timings: node → wall and CPU seconds (children included) and peak memory in MB (without children).
    """

    run_id: str
    store_location: Config | Path
    screen: ProgressDisplay
    failures: dict[str, BaseException] = field(default_factory=dict)
    timings: dict[str, dict[str, float]] = field(default_factory=dict)
    current: str = ""
    cache: bool = True
    properties: dict[str, str] = field(default_factory=dict)
    _key_parts: dict[str, KeyParts] = field(default_factory=dict)
    _usage_at_start: tuple[float, float] = field(default_factory=lambda: (time.monotonic(), initial_cpu_seconds()))

    def started(self, node: str) -> None:
        self.current = node
        self._usage_at_start = (time.monotonic(), cpu_seconds())
        release_memory()
        reset_peak_memory()
        self.screen.step_started(node)

    def progress(self, rows: int) -> None:
        """Called by executors: how many rows the running step has processed."""
        self.screen.progress(self.current, rows)

    def note(self, text: str) -> None:
        """Called by executors: a message for the user."""
        self.screen.note(text)

    def ended(self, node: str, attempts: int = 1) -> None:
        """Show and record how the node ended, by ML Metadata: the launcher returns normally for nodes that failed.

        Raises:
            StepFailed: the node has no execution, or one that did not complete.
        """
        step = self.run().steps.get(node)
        if step is None:
            raise StepFailed(f"{node} never ran: TFX skipped it", "look for its name in the log")
        if not step.done:
            # An exception of ours while inputs were resolved: TFX records its traceback and goes on.
            if recorded := _STEP_FAILED_LINE.search(step.message):
                raise StepFailed(recorded[1])
            raise StepFailed(
                f"{node} could not start: its inputs are not in ML Metadata",
                "run the steps before it, or all of them; the log names the missing input",
            )
        self.measure(node)
        reason = explain_execution(self._runs(), self.run(), step, self._key_parts.get(node), self.cache)
        self._record_outputs(step, attempts, reason)
        self.screen.step_ended(node, STATE_LABELS[step.state], count_rows(step), reason)

    def cache_key_computed(self, node: str, parts: KeyParts) -> None:
        """Called by the launcher before it looks the key up in the cache."""
        self._key_parts[node] = parts

    def _record_outputs(self, step: Step, attempts: int, reason: str) -> None:
        """Record the parts of the cache key, the reason to run, and content digests of the outputs."""
        store = self.store
        if self.properties:
            save_run_properties(store, self.run_id, self.properties)
            self.properties = {}
        [execution] = store.get_executions_by_id([step.execution_id])
        if attempts > 1:
            execution.custom_properties[ATTEMPTS_PROPERTY].int_value = attempts
        if step.node in self._key_parts:
            execution.custom_properties[KEY_PARTS_PROPERTY].string_value = self._key_parts[step.node].to_json()
            execution.custom_properties[REASON_PROPERTY].string_value = reason
        store.put_executions([execution])
        from flightline.metadata.artifact_integrity import record_artifact
        from flightline.metadata.content_digest import digest_artifact

        outputs = [artifact for artifacts in step.outputs.values() for artifact in artifacts]
        undigested = [artifact for artifact in outputs if CONTENT_DIGEST_PROPERTY not in artifact.custom_properties]
        for artifact in undigested:
            try:
                record_artifact(artifact)
                digest = digest_artifact(artifact.type, artifact.uri)
                artifact.custom_properties[CONTENT_DIGEST_PROPERTY].string_value = digest
            except OSError as error:  # the step left this output empty
                logging.info("%s has no content to digest: %s", artifact.uri, error)
        store.put_artifacts(undigested)
        self._write_records([(step.node, step.execution_id)])

    def write_records(self) -> None:
        """Write the records of all steps again, with what was saved in ML Metadata after they ended."""
        self._write_records([(step.node, step.execution_id) for step in self.run().steps.values()])

    def _write_records(self, steps: list[tuple[str, int]]) -> None:
        if isinstance(self.store_location, Config):
            write_execution_records(self.store_location, self.store, steps)

    def failed(self, node: str, error: BaseException) -> None:
        logging.error("%s failed:\n%s", node, "".join(traceback.format_exception(error)))
        self.measure(node)
        self.failures[node] = error
        self.screen.step_ended(node, "failed", None)
        try:
            step = self.run().steps.get(node)
            if step is not None and step.state in {"FAILED", "RUNNING"} and not step.message:
                self._record_failure(step, error)
            if step is not None:
                self._write_records([(node, step.execution_id)])
        except (
            OSError,
            FlightlineError,
            mlmd.errors.StatusError,
        ) as unreachable:  # often the cause of the step's failure, too
            logging.error("the failure of %s could not be recorded in ML Metadata: %s", node, unreachable)

    def run(self) -> Run:
        """Return the run as ML Metadata has it now; without steps where nothing is recorded yet."""
        try:
            found = self._runs().find(self.run_id)
        except StoreNotFound:
            found = None
        return found or Run(self.run_id, "", 0, {})

    @property
    def store(self) -> mlmd.MetadataStore:
        return self._runs().store

    def _runs(self) -> Runs:
        return Runs.open(self.store_location)

    def _record_failure(self, step: Step, error: BaseException) -> None:
        store = self.store
        [execution] = store.get_executions_by_id([step.execution_id])
        code, reason = StepFailed.exit_code, ""
        if isinstance(error, FlightlineError):
            code, reason = error.exit_code, error.recorded_reason
        if step.state == "RUNNING":  # interrupted: TFX would leave it RUNNING forever
            execution.last_known_state = metadata_store_pb2.Execution.CANCELED
        record_failure(store, execution, code, reason or summarize_error(error) or type(error).__name__)

    def measure(self, node: str) -> None:
        """Record the time and memory used since the node started (before the first node: since the process started)."""
        wall, cpu = self._usage_at_start
        usage = {"wall_s": time.monotonic() - wall, "cpu_s": cpu_seconds() - cpu, "peak_mb": peak_memory_mb()}
        self.timings[node] = usage


def initial_cpu_seconds() -> float:
    """CPU seconds to subtract from a run's import time: those of earlier runs in this process; 0 in a new process."""
    return cpu_seconds() if "tfx" in sys.modules else 0.0
