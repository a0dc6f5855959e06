"""Writes the report of a run and the index of all runs. Each file is written atomically."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.reporting.html.collect import collect_report
from flightline.reporting.html.data import REPORT_HTML, REPORT_JSON, Curves, ReportData
from flightline.reporting.html.index import write_index
from flightline.reporting.html.render import render_report
from flightline.utils.files import atomic_write


def write_report(
    config: Config,
    run_id: str,
    upstream: Mapping[str, Sequence[str]] | None = None,
    curves: Mapping[str, Curves] | None = None,
) -> Path:
    """Writes `report.json`, `report.html` and the index; returns the path of the page.

    Args:
        upstream: node → the nodes it waits for.
        curves: by model. Only the process that ran the pipeline knows these two; without them, those of an earlier
            report of the run are kept.
    """
    runs = Runs.open(config)
    run = runs.get(run_id)
    folder = config.run_folder(run.run_id)
    folder.mkdir(parents=True, exist_ok=True)
    data = _merge_earlier_report(
        collect_report(config, runs, run, upstream, curves), read_report(folder), run, upstream
    )
    atomic_write(folder / REPORT_JSON, data.to_json())
    atomic_write(folder / REPORT_HTML, render_report(data))
    write_index(config.workspace, runs)
    return folder / REPORT_HTML


def regenerate_report(config: Config, run_id: str) -> Path:
    """`write_report` for a run that has ended; returns the path of the page.

    Raises:
        UsageError: the run's folder cannot be written.
    """
    try:
        return write_report(config, run_id)
    except OSError as error:
        todo = "fix the permissions of its folder"
        raise UsageError(f"the report of run {run_id} cannot be written: {error}", todo) from error


def read_report(folder: Path) -> ReportData | None:
    """The data of the report in a run's folder; None where there is none, or one of another version of Flightline."""
    try:
        return ReportData.from_json((folder / REPORT_JSON).read_bytes())
    except (OSError, ValueError):
        return None


def _merge_earlier_report(
    data: ReportData, earlier: ReportData | None, run: Run, upstream: Mapping[str, Sequence[str]] | None
) -> ReportData:
    """Keeps what only an earlier report has: the curves and the order of the steps, which need TensorFlow and the DAG,
    and what was read from artifacts that garbage collection has deleted since."""
    if earlier is None or earlier.run_id != run.run_id:
        return data
    known = {step.node: step.upstream for step in earlier.steps}
    steps = data.steps if upstream else [replace(s, upstream=known.get(s.node, s.upstream)) for s in data.steps]
    return replace(
        data,
        curves=data.curves or earlier.curves,
        steps=steps,
        features=data.features or earlier.features,
        changes=data.changes or earlier.changes,
        training=data.training or earlier.training,
    )
