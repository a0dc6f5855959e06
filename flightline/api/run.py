"""A run, and the runs of a project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.api.anomalies import Anomalies
from flightline.api.html import html_table, plural
from flightline.api.lineage import Lineage
from flightline.api.metrics import Metrics
from flightline.api.pictures import Pictures, draw_curves
from flightline.api.statistics import Statistics
from flightline.api.steps import Steps
from flightline.api.verdict import Verdict
from flightline.config.settings import Config
from flightline.metadata import artifact_files
from flightline.metadata import run as metadata_run
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.row_accounting import RowAccounting
from flightline.metadata.runs import Runs
from flightline.releases.lineage import trace_lineage
from flightline.reporting.html.collect import collect_report
from flightline.reporting.html.data import REPORT_HTML, REPORT_JSON, ReportData
from flightline.reporting.html.write_report import read_report, regenerate_report
from flightline.reporting.summary import Summary
from flightline.runs.explain import explain_run
from flightline.runs.state.run_state import active_holder, was_killed
from flightline.utils.file_lock import LockHolder


class Run:
    """One run of the project's pipeline, of its scoring or of its monitoring. In a notebook: the verdict card.

    What a run does not have raises `UsageError`, which says why and what to do.

    Attributes:
        run_id: its id, and the name of its folder.
        pipeline: the name of its pipeline.
        record: what ML Metadata holds of the run.
    """

    def __init__(self, record: metadata_run.Run, config: Config, store: Runs) -> None:
        self.run_id = record.run_id
        self.pipeline = record.pipeline
        self.record = record
        self._config = config
        self._store = store

    @property
    def state(self) -> str:
        """COMPLETE, FAILED, CANCELED, RUNNING or KILLED (ended from outside)."""
        return "KILLED" if was_killed(self._config, self.record) else self.record.state

    @property
    def started(self) -> datetime:
        """When the run started, in local time."""
        return datetime.fromtimestamp(self.record.started_ms / 1000)

    @property
    def seconds(self) -> float:
        """From the run's start to the last update of its last step."""
        return self.record.duration_s

    @property
    def properties(self) -> Mapping[str, Any]:
        """What is recorded with the run as a whole: commit, user, config."""
        return self.record.properties

    @property
    def folder(self) -> Path:
        """The run's folder: log, config, summary, report."""
        return self._config.run_folder(self.run_id)

    @property
    def belongs_to_project(self) -> bool:
        """Whether the run is of the project's pipeline, and not of another one in the same workspace."""
        return self._store.belongs_to_pipeline(self.record)

    @property
    def holder(self) -> LockHolder | None:
        """The process that executes the run right now; None where there is none."""
        return active_holder(self._config, self.record)

    @property
    def summary(self) -> Summary | None:
        """The result that the run wrote when it ended; None where it did not get that far."""
        return Summary.read(self.folder)

    @property
    def rows(self) -> RowAccounting | None:
        """Rows read, used by split, and rejected by reason; None where the run did not get that far."""
        return self.record.rows

    @property
    def blessed(self) -> bool | None:
        """The Evaluator's decision; None where it made none."""
        return self.record.blessed

    @property
    def release(self) -> Path | None:
        """The folder of the release that the run made; None where it released nothing."""
        return Path(self.record.pushed) if self.record.pushed else None

    @property
    def evaluation(self) -> Evaluation | None:
        """Metrics of every slice, the champion's, and the missed thresholds; None where nothing was evaluated."""
        return self.record.evaluation

    @cached_property
    def metrics(self) -> Metrics:
        """The metrics on all rows, a mapping; `run.metrics(slice="origin=JFK")` gives those of a slice."""
        return Metrics.from_evaluation(self.run_id, self.evaluation)

    def statistics(self, *splits: str) -> Statistics:
        """TFDV's statistics of the splits that are named, `train` by default. In a notebook: every feature's chart."""
        datasets = {split: artifact_files.load_statistics(self.record, split) for split in splits or ("train",)}
        return Statistics(datasets, label=self._config.label)

    @property
    def schema(self) -> schema_pb2.Schema:
        """The curated schema that the run validated its data with."""
        return artifact_files.load_schema(self.record)

    @cached_property
    def anomalies(self) -> Anomalies:
        """The anomalies that ExampleValidator found in all splits."""
        found = artifact_files.list_splits(self.record, "ExampleValidator", "anomalies")
        return Anomalies({split: artifact_files.load_anomalies(self.record, split) for split in found})

    @cached_property
    def steps(self) -> Steps:
        """The steps by node, in the order of their start: state, times, artifacts, and why each ran or was cached."""
        return Steps(self.record.steps, self._report_data.steps, self._explanation.steps)

    @property
    def lineage(self) -> Lineage:
        """All that the run's last result was made from: rows, schema, code, lock, champion, artifacts."""
        return Lineage.from_record(trace_lineage(self._store, self._config, f"run:{self.run_id}"))

    @property
    def verdict(self) -> Verdict:
        """The result, and the thresholds, gate findings and steps that explain it. In a notebook: a card."""
        return Verdict(self._explanation, self._report_data)

    @property
    def curves(self) -> Pictures:
        """ROC, calibration and loss curves, as far as the run recorded them."""
        return draw_curves(self._report_data)

    @property
    def report(self) -> Path:
        """The run's HTML report; it is written where there is none, or an outdated one."""
        page = self.folder / REPORT_HTML
        return page if self._is_current(page) else self.write_report()

    def write_report(self) -> Path:
        """Write the run's HTML report again; returns its path.

        Raises:
            UsageError: the run is of another pipeline, or its folder cannot be written.
        """
        self._store.get_in_pipeline(self.run_id)  # a report shows what the config says of the pipeline
        return regenerate_report(self._config, self.run_id)

    def model(self) -> Any:
        """Load the SavedModel that the run trained: `run.model().signatures["serving_default"]`. Imports TensorFlow."""
        return artifact_files.load_model(self.record)

    @cached_property
    def _explanation(self) -> Any:
        return explain_run(self.record)

    @cached_property
    def _report_data(self) -> ReportData:
        written = read_report(self.folder) if self._is_current(self.folder / REPORT_JSON) else None
        return written or collect_report(self._config, self._store, self.record)

    def _is_current(self, file: Path) -> bool:
        """Whether a file was written after the run's last update, and not while it was under way or before a resume."""
        return file.is_file() and file.stat().st_mtime >= self.record.started_ms / 1000 + self.record.duration_s

    def __repr__(self) -> str:
        return f"<Run {self.run_id} of {self.pipeline}: {self._explanation.outcome}>"

    def _repr_html_(self) -> str:
        return self.verdict._repr_html_()


class ProjectRuns:
    """The runs of a project, newest first: iterate, or take one by its id, `latest` or `previous`.

    Attributes:
        store: where the runs are recorded.
    """

    def __init__(self, config: Config, store: Runs) -> None:
        self.store = store
        self._config = config

    def __getitem__(self, run_id: str) -> Run:
        """A run by its id, `latest` or `previous`.

        Raises:
            UsageError: there is no such run.
        """
        return Run(self.store.get(run_id), self._config, self.store)

    def __iter__(self) -> Iterator[Run]:
        return (Run(record, self._config, self.store) for record in self.store)

    def __len__(self) -> int:
        return len(self.store.start_times())

    def __contains__(self, run_id: object) -> bool:
        return isinstance(run_id, str) and self.store.find(run_id) is not None

    def all_pipelines(self) -> ProjectRuns:
        """The runs of every pipeline in the workspace."""
        return ProjectRuns(self._config, self.store.for_workspace())

    def __repr__(self) -> str:
        return f"<{plural(len(self), 'run')} of {self._config.name}>"

    def _repr_html_(self) -> str:
        rows = [
            (
                run.run_id,
                f"{run.started:%Y-%m-%d %H:%M:%S}",
                run.state.lower(),
                f"{run.seconds:.0f}",
                run.release.name if run.release else "",
            )
            for run in self
        ]
        return str(html_table(("run", "started", "state", "seconds", "release"), rows))


Run.__module__ = "flightline"  # where users import it from
