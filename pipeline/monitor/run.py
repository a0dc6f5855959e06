"""The life of one monitoring run, from the prediction log to alerts: what `flightline monitor` does."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from pipeline.config import Config
from pipeline.config_file import DEFAULT_CONFIG
from pipeline.engines.checks import check_engine
from pipeline.errors import AlertFiring, FlightlineError, StepFailed, UsageError, print_last_line
from pipeline.metadata.reading import folder_of
from pipeline.metadata.reading import schema as schema_of
from pipeline.metadata.run import Run
from pipeline.metadata.runs import Runs
from pipeline.metadata.store import keep_about
from pipeline.monitor import alerts as alerting
from pipeline.monitor import screen
from pipeline.monitor.distances import unwatched
from pipeline.monitor.exposition import write_metrics
from pipeline.monitor.feedback import labels_arrived
from pipeline.monitor.history import Past, history, monitored_by
from pipeline.monitor.judge import not_judged
from pipeline.monitor.report import write_report
from pipeline.monitor.retrain import left_today, retrain, wanted_by
from pipeline.monitor.tell import tell
from pipeline.monitor.trained_on import training_statistics
from pipeline.monitor.window import extract, first_time
from pipeline.releases import releases
from pipeline.run_folder import new_run_folder
from pipeline.run_lock import alone_in
from pipeline.shown import escape
from pipeline.side_run import SideRun, run_aside

UNFLUSHED_S = 2.0  # answers this young may not be on disk yet


@dataclass(frozen=True)
class MonitorRequest:
    """What a user asks to be monitored.

    Attributes:
        config: the config file; overrides: `a.b=value` on top of it.
        since, until: of the window, seconds since the epoch; by default from the end of the last one, until now.
        run_id: names the run; made of the time where it is None.
        retrain: an alert may start a run.
        plain: one line an event instead of a live table.
    """

    config: Path
    overrides: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    run_id: str | None = None
    retrain: bool = False
    plain: bool = False


def monitor(config: Config, request: MonitorRequest) -> int:
    """Monitors a window as asked; returns the exit code, after the last line of a failure was written to stderr."""
    try:
        check_engine(config)
        with alone_in(config.workspace, f"{config.name}-monitoring", "monitoring"):
            code = _monitor(config, request)
    except FlightlineError as error:
        print_last_line(sys.stderr, error)
        return error.exit_code
    raised = alerting.firing(alerting.read_alerts(config.monitoring_folder)) if request.retrain else []
    if code in (0, AlertFiring.exit_code) and raised:
        _retrain(config, request, raised)
    return code


def _monitor(config: Config, request: MonitorRequest) -> int:
    runs = Runs.open(config)
    past = history(runs, config)
    since, until = window_of(config, request, past)
    served = runs.release()
    trained = served.run
    training = training_statistics(runs, trained)
    schema = str(folder_of(trained, "CuratedSchema", "schema"))
    folder = new_run_folder(config, request.run_id or f"monitor-{time.strftime('%Y%m%d-%H%M%S')}")
    extracted = extract(config, since, until, folder / "window")
    before = past[-1].statistics if past else None
    released = {one.version: dict(one.about.get("metrics", {})) for one in releases(config.releases)}

    def create() -> Any:
        from pipeline.monitoring import MonitoringJob, create_pipeline

        answered = {version: released.get(version, {}) for version in extracted.window.rows}
        previous = before.uri if before else None
        job = MonitoringJob(extracted, [artifact.id for artifact in training], schema, previous, answered)
        return create_pipeline(config, job)

    heading = f"monitoring release [bold]{escape(served.version)}[/] of [bold]{config.name}[/]"
    show = partial(_judge, config=config, past=past, note=unwatched(schema_of(trained)))
    return run_aside(config, folder, SideRun("monitoring", heading, create, show), request.plain)


def window_of(config: Config, request: MonitorRequest, past: Sequence[Past]) -> tuple[int, int]:
    """The window's bounds, microseconds since the epoch.

    Raises:
        UsageError: it would be empty, or nothing has been logged.
    """
    until = int((time.time() - UNFLUSHED_S if request.until is None else request.until) * 1e6)
    if request.since is not None:
        since = int(request.since * 1e6)
    elif past:
        since = past[-1].monitored.window.until
    else:
        first = first_time(config)
        if first is None:
            options = "" if request.config == DEFAULT_CONFIG else f" ARGS='--config {request.config}'"
            todo = f"serve a release, and ask it: `make serve{options}`"
            raise UsageError(f"no request to {config.name} is on record", todo)
        since = first
    if since >= until:
        raise UsageError("the window ends before it begins", "give --since and --until, or wait for requests")
    return since, until


def _judge(run: Run, console: Console, config: Config, past: Sequence[Past], note: str) -> FlightlineError | None:
    """From measures to alerts, report and metrics; returns the alert that the exit code is to tell of.

    Args:
        note: what is to be known of any window of the release; empty where there is nothing.
    """
    monitored = monitored_by(run)
    if monitored is None:
        return StepFailed("WindowMonitor left no record of what it measured", "the log has more")
    config.monitoring_folder.mkdir(parents=True, exist_ok=True)
    known = alerting.read_alerts(config.monitoring_folder)
    alerts, events = alerting.advance(known, monitored.measures, config.monitoring, time.time())
    alerting.write_alerts(config.monitoring_folder, alerts)
    problems = tell(config, run.run_id, events)
    raised = alerting.firing(alerts)
    keep_about(Runs.open(config).store, run.run_id, {"alerts": ", ".join(alert.name for alert in raised)})
    write_metrics(config, monitored, alerts)
    page = write_report(config, run, [*past, Past(run, monitored)], alerts)
    screen.show(console, monitored, alerts, events, page)
    window = monitored.window
    later = labels_arrived(config, window.until, int(time.time() * 1e6)).num_rows
    notes = [*not_judged(window, config.monitoring), note]
    if later:
        notes.append(f"{later:,} labels came after the end of the window: the next one has them")
    for problem in [*problems, *filter(None, notes)]:
        console.print(f"[yellow]{escape(problem)}[/]", soft_wrap=True)
    critical = [alert for alert in raised if alert.severity == "critical"]
    if not critical:
        return None
    more = f" (and {len(critical) - 1} more)" if len(critical) > 1 else ""
    return AlertFiring(f"{critical[0].name}: {critical[0].sentence}{more}", f"{page} and docs/operations.md say more")


def _retrain(config: Config, request: MonitorRequest, raised: Sequence[alerting.Alert]) -> None:
    """Starts a run where an alert is severe enough and the budget is not spent; says so, or why not."""
    say = Console(highlight=False, soft_wrap=True, markup=False).print
    wanted = wanted_by(config, raised)
    if not wanted:
        return
    reason = f"alert {', '.join(alert.name for alert in wanted[:5])}"
    if not left_today(config):
        limit = config.monitoring.retrain.max_per_day
        say(f"no run is started for {reason}: {limit} in 24 hours is the budget (monitoring.retrain.max_per_day)")
        return
    say(f"a run is started: {reason}")
    code = retrain(config, request.config, request.overrides, reason, request.plain)
    say(f"the run ended with {code}")
