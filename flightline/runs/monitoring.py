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

from flightline.config.loader import DEFAULT_CONFIG
from flightline.config.settings import Config
from flightline.engines.validation import check_engine
from flightline.errors import AlertFiring, FlightlineError, StepFailed, UsageError, print_error
from flightline.executors.window_monitor.checks import skipped_checks
from flightline.executors.window_monitor.distances import missing_comparators_warning
from flightline.metadata.artifact_files import load_schema, output_folder
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.metadata.store import save_run_properties
from flightline.monitoring import alerts as alerting
from flightline.monitoring import screen
from flightline.monitoring.feedback import read_labels
from flightline.monitoring.history import MonitoredWindow, read_history, read_monitoring_result
from flightline.monitoring.notify import notify
from flightline.monitoring.prometheus import write_metrics
from flightline.monitoring.report import write_report
from flightline.monitoring.training_baseline import training_statistics
from flightline.monitoring.window import extract_window, first_request_time
from flightline.releases.registry import read_releases
from flightline.releases.release import find_release
from flightline.runs.auxiliary import AuxiliaryRun, run_auxiliary
from flightline.runs.retrain import remaining_retrains, retrain, select_retrain_alerts
from flightline.runs.state.run_folder import create_run_folder
from flightline.utils.file_lock import hold_lock
from flightline.utils.terminal import escape

LOG_FLUSH_DELAY_S = 2.0  # answers this young may not be on disk yet


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


def run_monitoring(config: Config, request: MonitorRequest) -> int:
    """Monitors a window as asked; returns the exit code, after the last line of a failure was written to stderr."""
    try:
        check_engine(config)
        with hold_lock(config.workspace, f"{config.name}-monitoring", "monitoring"):
            code = _run_locked(config, request)
    except FlightlineError as error:
        print_error(sys.stderr, error)
        return error.exit_code
    raised = alerting.firing_alerts(alerting.load_alerts(config.monitoring_folder)) if request.retrain else []
    if code in (0, AlertFiring.exit_code) and raised:
        _retrain_on_alerts(config, request, raised)
    return code


def _run_locked(config: Config, request: MonitorRequest) -> int:
    runs = Runs.open(config)
    past = read_history(runs, config)
    since, until = resolve_window(config, request, past)
    served = find_release(config)
    trained = runs.get(str(served.metadata.get("run", "")))
    training = training_statistics(runs, trained)
    schema = str(output_folder(trained, "CuratedSchema", "schema"))
    folder = create_run_folder(config, request.run_id or f"monitor-{time.strftime('%Y%m%d-%H%M%S')}")
    extracted = extract_window(config, since, until, folder / "window")
    before = past[-1].statistics if past else None
    metrics_by_version = {one.version: dict(one.metadata.get("metrics", {})) for one in read_releases(config.releases)}

    def create() -> Any:
        from pipeline.monitoring import MonitoringJob, create_pipeline

        answered = {version: metrics_by_version.get(version, {}) for version in extracted.window.rows}
        previous = before.uri if before else None
        job = MonitoringJob(extracted, [artifact.id for artifact in training], schema, previous, answered)
        return create_pipeline(config, job)

    heading = f"monitoring release [bold]{escape(served.version)}[/] of [bold]{config.name}[/]"
    show = partial(_evaluate_window, config=config, past=past, note=missing_comparators_warning(load_schema(trained)))
    return run_auxiliary(config, folder, AuxiliaryRun("monitoring", heading, create, show), request.plain)


def resolve_window(config: Config, request: MonitorRequest, past: Sequence[MonitoredWindow]) -> tuple[int, int]:
    """The window's bounds, microseconds since the epoch.

    Raises:
        UsageError: it would be empty, or nothing has been logged.
    """
    until = int((time.time() - LOG_FLUSH_DELAY_S if request.until is None else request.until) * 1e6)
    if request.since is not None:
        since = int(request.since * 1e6)
    elif past:
        since = past[-1].result.window.until
    else:
        first = first_request_time(config)
        if first is None:
            options = "" if request.config == DEFAULT_CONFIG else f" ARGS='--config {request.config}'"
            todo = f"serve a release, and ask it: `make serve{options}`"
            raise UsageError(f"no request to {config.name} is on record", todo)
        since = first
    if since >= until:
        raise UsageError("the window ends before it begins", "give --since and --until, or wait for requests")
    return since, until


def _evaluate_window(
    run: Run, console: Console, config: Config, past: Sequence[MonitoredWindow], note: str
) -> FlightlineError | None:
    """From measures to alerts, report and metrics; returns the alert that the exit code is to tell of.

    Args:
        note: what is to be known of any window of the release; empty where there is nothing.
    """
    monitored = read_monitoring_result(run)
    if monitored is None:
        return StepFailed("WindowMonitor left no record of what it measured", "the log has more")
    config.monitoring_folder.mkdir(parents=True, exist_ok=True)
    known = alerting.load_alerts(config.monitoring_folder)
    alerts, events = alerting.update_alerts(known, monitored.measures, config.monitoring, time.time())
    alerting.save_alerts(config.monitoring_folder, alerts)
    problems = notify(config, run.run_id, events)
    raised = alerting.firing_alerts(alerts)
    save_run_properties(Runs.open(config).store, run.run_id, {"alerts": ", ".join(alert.name for alert in raised)})
    write_metrics(config, monitored, alerts)
    page = write_report(config, run, [*past, MonitoredWindow(run, monitored)], alerts)
    screen.print_window(console, monitored, alerts, events, page)
    window = monitored.window
    later = read_labels(config, window.until, int(time.time() * 1e6)).num_rows
    notes = [*skipped_checks(window, config.monitoring), note]
    if later:
        notes.append(f"{later:,} labels came after the end of the window: the next one has them")
    for problem in [*problems, *filter(None, notes)]:
        console.print(f"[yellow]{escape(problem)}[/]", soft_wrap=True)
    critical = [alert for alert in raised if alert.severity == "critical"]
    if not critical:
        return None
    more = f" (and {len(critical) - 1} more)" if len(critical) > 1 else ""
    return AlertFiring(f"{critical[0].name}: {critical[0].message}{more}", f"{page} and docs/operations.md say more")


def _retrain_on_alerts(config: Config, request: MonitorRequest, raised: Sequence[alerting.Alert]) -> None:
    """Starts a run where an alert is severe enough and the budget is not spent; says so, or why not."""
    say = Console(highlight=False, soft_wrap=True, markup=False).print
    wanted = select_retrain_alerts(config, raised)
    if not wanted:
        return
    reason = f"alert {', '.join(alert.name for alert in wanted[:5])}"
    if not remaining_retrains(config):
        limit = config.monitoring.retrain.max_per_day
        say(f"no run is started for {reason}: {limit} in 24 hours is the budget (monitoring.retrain.max_per_day)")
        return
    say(f"a run is started: {reason}")
    code = retrain(config, request.config, request.overrides, reason, request.plain)
    say(f"the run ended with {code}")
