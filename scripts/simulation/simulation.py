"""The simulated months, each run with the same functions as the commands that a user types."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from flightline.config.settings import Config
from flightline.metadata.evaluation import OVERALL, metric_key
from flightline.metadata.runs import Runs
from flightline.monitoring.alerts import firing_alerts, load_alerts
from flightline.monitoring.feedback import ingest_feedback
from flightline.monitoring.history import read_history
from flightline.releases.registry import promote, roll_back
from flightline.releases.release import current_version, read_releases
from flightline.releases.rollout import set_shadow
from flightline.reporting.summary import Summary
from flightline.runs.backfill import run_new_spans
from flightline.runs.monitoring import MonitorRequest, run_monitoring
from flightline.runs.process import log_capture
from flightline.runs.request import RunRequest
from flightline.utils.files import atomic_write
from scripts.simulation.traffic import read_flights, send_requests, wait_until_served, write_labels

METRIC = "AUC"
TIMELINE_JSON = "timeline.json"
LOG_FLUSH_S = 1.5  # after which every answer is in the log


@dataclass
class Month:
    """One month of the simulation.

    Attributes:
        served_release: the release that served the requests.
        answered_rows, rejected_rows: rows with a prediction, and rows that the server rejected as invalid.
        labels: number of labels that arrived.
        auc, baseline_auc: of the served predictions, and of the first release on the same rows.
        alerts: names of the alerts that fire after the month.
        retrained: whether an alert started a retraining.
        retraining_run, new_release: the run of the retraining, and the release that it made; empty where there is none.
        rolled_back_to: the release that became current by a rollback; empty where there was none.
    """

    name: str
    served_release: str
    answered_rows: int = 0
    rejected_rows: int = 0
    labels: int = 0
    auc: float | None = None
    baseline_auc: float | None = None
    alerts: list[str] = field(default_factory=list)
    retrained: bool = False
    retraining_run: str = ""
    new_release: str = ""
    rolled_back_to: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Simulation:
    """The simulation and its files.

    Attributes:
        config: of the simulation's workspace; a month is copied into its data folder when the month is over.
        config_file: the file with the same config.
        source: the folder with all months, `span-MM/flights.csv`.
        report: called with a line of progress now and then.
    """

    config: Config
    config_file: Path
    source: Path
    report: Callable[[str], None] = field(default=print, repr=False)

    @property
    def log(self) -> Path:
        return self.config.workspace / "simulation.log"

    def train_first_release(self, months: int) -> str:
        """Ingest the first months and release a model; returns its version.

        Raises:
            RuntimeError: no model was released.
        """
        for month in range(1, months + 1):
            self._publish_month(month)
        self._train("start of the simulation")
        version = current_version(self.config.releases)
        if version is None:
            raise RuntimeError(f"the first {months} months produced no release; {self.log} has the reason")
        return version

    def run_month(self, number: int, first: str) -> Month:
        """A month in production: requests, predictions, labels, monitoring, and a retraining if an alert starts one."""
        start, config = time.monotonic(), self.config
        served = str(current_version(config.releases))
        shadow = first if first != served else None
        set_shadow(config.releases, shadow, config.workspace)
        wait_until_served(config.serving.http_port, {"current": served} | ({"shadow": shadow} if shadow else {}))
        month = Month(self._name(number), served)
        inputs = next(
            release.metadata["inputs"] for release in read_releases(config.releases) if release.version == served
        )
        flights = read_flights(self._file(number), inputs, config.label)
        traffic = send_requests(config.serving.http_port, flights, month.name)
        month.answered_rows, month.rejected_rows = traffic.answered, traffic.rejected
        labels = config.workspace / "labels" / f"{month.name}.csv"
        write_labels(traffic, labels, config.label)
        month.labels = ingest_feedback(config, labels).ingested
        time.sleep(LOG_FLUSH_S)
        self._publish_month(number)
        before = set(self._runs())
        self._run_logged(
            lambda: run_monitoring(
                config, MonitorRequest(self.config_file, until=time.time(), retrain=True, plain=True)
            )
        )
        self._record_metrics(month, first)
        self._record_retraining(month, [run for run in self._runs() if run not in before])
        month.seconds = time.monotonic() - start
        return month

    def roll_back_release(self, month: Month, reason: str) -> None:
        """Roll back to the previous release, and wait until the server serves it."""
        start = time.monotonic()
        withdrawn, current = roll_back(self.config.releases, None, reason, self.config.workspace)
        wait_until_served(self.config.serving.http_port, {"current": current})
        delay_s = time.monotonic() - start
        month.rolled_back_to = current
        self.report(
            f"{month.name}: rolled back from {withdrawn} to {current} ({reason}); it was served {delay_s:.1f} s later"
        )

    def rollback_drill(self, month: Month) -> None:
        """Roll back for practice only, and promote the current release again."""
        current = str(current_version(self.config.releases))
        self.roll_back_release(month, "a drill")
        promote(self.config.releases, current, "end of the drill", self.config.workspace)
        wait_until_served(self.config.serving.http_port, {"current": current})

    def save_timeline(self, months: list[Month]) -> None:
        """Write the months as JSON."""
        content = [asdict(month) for month in months]
        atomic_write(self.config.workspace / TIMELINE_JSON, json.dumps(content, indent=2) + "\n")

    def _name(self, month: int) -> str:
        return f"month-{month:02d}"

    def _file(self, month: int) -> Path:
        return self.source / f"span-{month:02d}" / "flights.csv"

    def _publish_month(self, month: int) -> None:
        """Copy the month's flights, with their labels, into the training data."""
        target = Path(self.config.data.input) / f"span-{month:02d}" / "flights.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".temporary")
        shutil.copyfile(self._file(month), temporary)
        temporary.replace(target)

    def _train(self, reason: str) -> None:
        self._run_logged(lambda: run_new_spans(RunRequest(self.config_file, plain=True, reason=reason), "local"))

    def _run_logged(self, work: Callable[[], int]) -> int:
        """Run a command with its output in the simulation's log."""
        with log_capture.capture_output(self.log):
            return work()

    def _runs(self) -> list[str]:
        return [run.run_id for run in Runs.open(self.config) if run.pipeline == self.config.name]

    def _record_metrics(self, month: Month, first: str) -> None:
        past = read_history(Runs.open(self.config), self.config)
        if not past:
            raise RuntimeError(f"{month.name} was not monitored; {self.log} has the reason")
        monitored, key = past[-1].result, metric_key(METRIC)
        month.auc = monitored.slices.get(OVERALL, {}).get(key)
        shadow = monitored.metrics.get("shadow", {}).get(first, {}).get(key)
        month.baseline_auc = month.auc if month.served_release == first else shadow
        month.alerts = [alert.name for alert in firing_alerts(load_alerts(self.config.monitoring_folder))]

    def _record_retraining(self, month: Month, runs: list[str]) -> None:
        """Record the newest of the runs that an alert started."""
        month.retrained = bool(runs)
        for run in runs[:1]:
            month.retraining_run = run
            summary = Summary.read(self.config.run_folder(run))
            month.new_release = Path(summary.release).name if summary and summary.release else ""


def format_month(month: Month) -> str:
    """A month in a line."""
    auc = "" if month.auc is None else f", AUC {month.auc:.4f}"
    baseline = "" if month.baseline_auc is None else f" (never retrained {month.baseline_auc:.4f})"
    alerts = f"; {len(month.alerts)} alerts" if month.alerts else "; no alert"
    if month.retrained:
        outcome = (
            f"; retrained: released {month.new_release}"
            if month.new_release
            else "; retrained: refused, the champion stays"
        )
    else:
        outcome = ""
    return f"{month.name}: {month.answered_rows:,} rows by {month.served_release}{auc}{baseline}{alerts}{outcome}"
