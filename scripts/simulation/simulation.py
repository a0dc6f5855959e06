"""The months of the story, one after another, each through the same commands that a user types."""

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
from flightline.releases import audit_log
from flightline.releases.registry import current_version, promote, read_releases, roll_back
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
    """The story's places.

    Attributes:
        config: of the workspace that it all happens in; its data folder gets a month when the month is over.
        config_file: the same as a file. source: all months, `span-MM/flights.csv`.
        say: is told a line now and then.
    """

    config: Config
    config_file: Path
    source: Path
    say: Callable[[str], None] = field(default=print, repr=False)

    @property
    def log(self) -> Path:
        return self.config.workspace / "simulation.log"

    def begin(self, months: int) -> str:
        """Takes in the first months and releases a model; returns its version.

        Raises:
            RuntimeError: nothing was released.
        """
        for month in range(1, months + 1):
            self._publish_month(month)
        self._train("the beginning")
        version = current_version(self.config.releases)
        if version is None:
            raise RuntimeError(f"the first {months} months gave no release; {self.log} says why")
        return version

    def live(self, month: int, first: str) -> Month:
        """A month in production: asked, answered, labelled, monitored, retrained if an alert says so."""
        start, config = time.monotonic(), self.config
        served = str(current_version(config.releases))
        aside = {"shadow": first} if first != served else {}
        set_shadow(config.releases, aside.get("shadow"))
        wait_until_served(config.serving.http_port, current=served, **aside)
        told = Month(self._name(month), served)
        inputs = next(one.metadata["inputs"] for one in read_releases(config.releases) if one.version == served)
        asked = send_requests(
            config.serving.http_port, read_flights(self._file(month), inputs, config.label), told.name
        )
        told.answered_rows, told.rejected_rows = asked.answered, asked.refused
        labels = config.workspace / "labels" / f"{told.name}.csv"
        write_labels(asked, labels, config.label)
        told.labels = ingest_feedback(config, labels).ingested
        time.sleep(LOG_FLUSH_S)
        self._publish_month(month)
        before = set(self._runs())
        self._run_logged(
            lambda: run_monitoring(
                config, MonitorRequest(self.config_file, until=time.time(), retrain=True, plain=True)
            )
        )
        self._record_metrics(told, first)
        self._record_retraining(told, [run for run in self._runs() if run not in before])
        told.seconds = time.monotonic() - start
        return told

    def go_back(self, month: Month, reason: str) -> None:
        """Rolls back, and sees that the server has followed."""
        start = time.monotonic()
        withdrawn, current = roll_back(self.config.releases, None, reason)
        audit_log.record(self.config.workspace, "rolled back", withdrawn=withdrawn, release=current, reason=reason)
        wait_until_served(self.config.serving.http_port, current=current)
        took = time.monotonic() - start
        month.rolled_back_to = current
        self.say(f"{month.name}: rolled back from {withdrawn} to {current} ({reason}); it answered {took:.1f} s later")

    def drill(self, month: Month) -> None:
        """A rollback that nothing but practice asked for, and the way forward again."""
        current = str(current_version(self.config.releases))
        self.go_back(month, "a drill")
        promote(self.config.releases, current)
        audit_log.record(self.config.workspace, "promoted", release=current, reason="end of the drill")
        wait_until_served(self.config.serving.http_port, current=current)

    def keep(self, months: list[Month]) -> None:
        """Writes the timeline as data."""
        kept = [asdict(month) for month in months]
        atomic_write(self.config.workspace / TIMELINE_JSON, json.dumps(kept, indent=2) + "\n")

    def _name(self, month: int) -> str:
        return f"month-{month:02d}"

    def _file(self, month: int) -> Path:
        return self.source / f"span-{month:02d}" / "flights.csv"

    def _publish_month(self, month: int) -> None:
        """Its flights, and what became of them, are there to be trained on."""
        target = Path(self.config.data.input) / f"span-{month:02d}" / "flights.csv"
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_suffix(".aside")
        shutil.copyfile(self._file(month), aside)
        aside.replace(target)

    def _train(self, reason: str) -> None:
        self._run_logged(lambda: run_new_spans(RunRequest(self.config_file, plain=True, reason=reason), "local"))

    def _run_logged(self, work: Callable[[], int]) -> int:
        """What the commands would show goes to the loop's log."""
        with log_capture.capture_output(self.log):
            return work()

    def _runs(self) -> list[str]:
        return [run.run_id for run in Runs.open(self.config) if run.pipeline == self.config.name]

    def _record_metrics(self, told: Month, first: str) -> None:
        past = read_history(Runs.open(self.config), self.config)
        if not past:
            raise RuntimeError(f"{told.name} was not monitored; {self.log} says why")
        monitored, key = past[-1].monitored, metric_key(METRIC)
        told.auc = monitored.slices.get(OVERALL, {}).get(key)
        aside = monitored.metrics.get("shadow", {}).get(first, {}).get(key)
        told.baseline_auc = told.auc if told.served_release == first else aside
        told.alerts = [alert.name for alert in firing_alerts(load_alerts(self.config.monitoring_folder))]

    def _record_retraining(self, told: Month, runs: list[str]) -> None:
        """What the runs that an alert started came to; the newest first."""
        told.retrained = bool(runs)
        for run in runs[:1]:
            told.retraining_run = run
            summary = Summary.read(self.config.run_folder(run))
            told.new_release = Path(summary.release).name if summary and summary.release else ""


def format_month(month: Month) -> str:
    """A month in a line."""
    auc = "" if month.auc is None else f", AUC {month.auc:.4f}"
    never = "" if month.baseline_auc is None else f" (never retrained {month.baseline_auc:.4f})"
    alerts = f"; {len(month.alerts)} alerts" if month.alerts else "; no alert"
    if month.retrained:
        outcome = (
            f"; retrained: released {month.new_release}"
            if month.new_release
            else "; retrained: refused, the champion stays"
        )
    else:
        outcome = ""
    return f"{month.name}: {month.answered_rows:,} rows by {month.served_release}{auc}{never}{alerts}{outcome}"
