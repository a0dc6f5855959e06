"""The monitoring run, from the prediction log to alerts: what `flightline monitor` does."""

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
from flightline.errors import EXIT_OK, AlertFiring, FlightlineError, StepFailed, UsageError, print_error
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
from flightline.monitoring.monitoring_job import MonitoringJob
from flightline.monitoring.notify import notify
from flightline.monitoring.prometheus import write_metrics
from flightline.monitoring.report import write_report
from flightline.monitoring.training_baseline import training_statistics
from flightline.monitoring.window import extract_window, first_request_time
from flightline.releases.release import find_release, read_releases
from flightline.runs.auxiliary import AuxiliaryRun, run_auxiliary
from flightline.runs.retrain import remaining_retrains, retrain, select_retrain_alerts
from flightline.runs.state.run_folder import create_run_folder
from flightline.utils.dotted_path import load_function
from flightline.utils.file_lock import hold_lock
from flightline.utils.terminal import escape

LOG_FLUSH_DELAY_S = 2.0  # predictions younger than this may not be on disk yet


@dataclass(frozen=True)
class MonitorRequest:
    """The arguments of a monitoring run.

    Attributes:
        config: the config file.
        overrides: `a.b=value`, applied to the config in order.
        since: start of the window, seconds since the epoch; None for the end of the previous window.
        until: end of the window; None for now.
        run_id: the run's id; made from the time where it is None.
        retrain: whether an alert may start a training run.
        plain: print one line per event instead of a live table.
    """

    config: Path
    overrides: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    run_id: str | None = None
    retrain: bool = False
    plain: bool = False


def run_monitoring(config: Config, request: MonitorRequest) -> int:
    """Monitor a window; return the exit code. A failure's last line has been written to stderr."""
    try:
        check_engine(config)
        with hold_lock(config.workspace, f"{config.name}-monitoring", "monitoring"):
            code = _run_locked(config, request)
    except FlightlineError as error:
        print_error(sys.stderr, error)
        return error.exit_code
    firing = alerting.firing_alerts(alerting.load_alerts(config.monitoring_folder)) if request.retrain else []
    if code in (EXIT_OK, AlertFiring.exit_code) and firing:
        _retrain_on_alerts(config, request, firing)
    return code


def _run_locked(config: Config, request: MonitorRequest) -> int:
    runs = Runs.open(config)
    history = read_history(runs, config)
    since, until = resolve_window(config, request, history)
    served = find_release(config)
    trained = runs.get(str(served.metadata.get("run", "")))
    training = training_statistics(runs, trained)
    schema = str(output_folder(trained, "CuratedSchema", "schema"))
    folder = create_run_folder(config, request.run_id or f"monitor-{time.strftime('%Y%m%d-%H%M%S')}")
    extracted = extract_window(config, since, until, folder / "window")
    previous = history[-1].statistics if history else None
    metrics_by_version = {
        release.version: dict(release.metadata.get("metrics", {})) for release in read_releases(config.releases)
    }

    def create_dag() -> Any:
        create_pipeline = load_function("user_code.monitoring_pipeline", config.user_code.monitoring_pipeline)
        release_metrics = {version: metrics_by_version.get(version, {}) for version in extracted.window.rows}
        previous_uri = previous.uri if previous else None
        statistics_ids = [artifact.id for artifact in training]
        return create_pipeline(config, MonitoringJob(extracted, statistics_ids, schema, previous_uri, release_metrics))

    heading = f"monitoring release [bold]{escape(served.version)}[/] of [bold]{config.name}[/]"
    warning = missing_comparators_warning(load_schema(trained))
    show_result = partial(_evaluate_window, config=config, history=history, warning=warning)
    return run_auxiliary(config, folder, AuxiliaryRun("monitoring", heading, create_dag, show_result), request.plain)


def resolve_window(config: Config, request: MonitorRequest, history: Sequence[MonitoredWindow]) -> tuple[int, int]:
    """Return the window's start and end, microseconds since the epoch.

    Raises:
        UsageError: the window would be empty, or no request has been logged.
    """
    until = int((time.time() - LOG_FLUSH_DELAY_S if request.until is None else request.until) * 1e6)
    if request.since is not None:
        since = int(request.since * 1e6)
    elif history:
        since = history[-1].result.window.until
    else:
        first = first_request_time(config)
        if first is None:
            options = "" if request.config == DEFAULT_CONFIG else f" ARGS='--config {request.config}'"
            fix = f"serve a release and send requests to it: `make serve{options}`"
            raise UsageError(f"the prediction log of {config.name} has no request", fix)
        since = first
    if since >= until:
        raise UsageError("the window ends before it begins", "set --since and --until, or wait for requests")
    return since, until


def _evaluate_window(
    run: Run, console: Console, config: Config, history: Sequence[MonitoredWindow], warning: str
) -> FlightlineError | None:
    """Turn the window's measurements into alerts, a report and metrics; return the critical alert, if one is firing.

    Args:
        warning: about every window of this release; empty where there is none.
    """
    monitored = read_monitoring_result(run)
    if monitored is None:
        return StepFailed("WindowMonitor recorded no measurements", "see the log")
    config.monitoring_folder.mkdir(parents=True, exist_ok=True)
    earlier_alerts = alerting.load_alerts(config.monitoring_folder)
    alerts, events = alerting.update_alerts(earlier_alerts, monitored.measures, config.monitoring, time.time())
    alerting.save_alerts(config.monitoring_folder, alerts)
    problems = notify(config, run.run_id, events)
    firing = alerting.firing_alerts(alerts)
    save_run_properties(Runs.open(config).store, run.run_id, {"alerts": ", ".join(alert.name for alert in firing)})
    write_metrics(config, monitored, alerts)
    page = write_report(config, run, [*history, MonitoredWindow(run, monitored)], alerts)
    screen.print_window(console, monitored, alerts, events, page)
    window = monitored.window
    later_labels = read_labels(config, window.until, int(time.time() * 1e6)).num_rows
    warnings = [*skipped_checks(window, config.monitoring), warning]
    if later_labels:
        warnings.append(f"{later_labels:,} labels arrived after the end of the window: the next window includes them")
    for problem in [*problems, *filter(None, warnings)]:
        console.print(f"[yellow]{escape(problem)}[/]", soft_wrap=True)
    critical = [alert for alert in firing if alert.severity == "critical"]
    if not critical:
        return None
    more = f" (and {len(critical) - 1} more)" if len(critical) > 1 else ""
    return AlertFiring(f"{critical[0].name}: {critical[0].message}{more}", f"{page} and docs/monitoring.md say more")


def _retrain_on_alerts(config: Config, request: MonitorRequest, firing: Sequence[alerting.Alert]) -> None:
    """Start a training run if an alert is severe enough and the budget allows it; print which, or why not."""
    report = Console(highlight=False, soft_wrap=True, markup=False).print
    causes = select_retrain_alerts(config, firing)
    if not causes:
        return
    reason = f"alert {', '.join(alert.name for alert in causes[:5])}"
    if not remaining_retrains(config):
        limit = config.monitoring.retrain.max_per_day
        report(f"no run started for {reason}: the limit is {limit} in 24 hours (monitoring.retrain.max_per_day)")
        return
    report(f"starting a training run: {reason}")
    code = retrain(config, request.config, request.overrides, reason, request.plain)
    report(f"the training run ended with exit code {code}")
