"""Drawing a report as one HTML page that needs nothing but itself: no script, no font, no image, no request."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from pipeline.report import svg, view
from pipeline.report.charts import curves, distributions, graphs, history, rows, slices
from pipeline.report.data import ReportData
from pipeline.report.lineage import ancestry

TEMPLATES = Path(__file__).parent / "templates"


def render_report(data: ReportData) -> str:
    """The page of a run."""
    summary = data.summary
    return (
        _environment()
        .get_template("report.html")
        .render(
            data=data,
            summary=summary,
            evaluation=summary.evaluation if summary else None,
            verdict=view.verdict_of(summary),
            findings=view.findings_by_feature(summary.findings if summary else []),
            lineage=ancestry(data.artifacts),
            has_card=any(data.card.model_dump().values()),
        )
    )


def render_index(**context: Any) -> str:
    """The page that lists runs and releases."""
    return _environment().get_template("index.html").render(**context)


def render_monitoring(**context: Any) -> str:
    """The page of a monitored window."""
    return _environment().get_template("monitoring.html").render(**context)


def render_loop(**context: Any) -> str:
    """The timeline of months that were served, watched and retrained."""
    return _environment().get_template("loop.html").render(**context)


@cache
def _environment() -> Environment:
    """Whatever a template prints is escaped; what is missing is an error and not nothing."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=lambda value: svg.without_controls(value) if isinstance(value, str) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "number": svg.number,
        "percent": svg.percent,
        "duration": svg.duration,
        "shortened": svg.shortened,
        "moment": view.moment,
        "paragraphs": view.paragraphs,
    }
    environment.globals |= {
        "view": view,
        "dag_chart": graphs.dag_chart,
        "lineage_chart": graphs.lineage_chart,
        "signs": graphs.SIGNS,
        "distribution": distributions.distribution,
        "rows_bar": rows.rows_bar,
        "parts_of": rows.parts_of,
        "metric_by_slice": slices.metric_by_slice,
        "roc_chart": curves.roc_chart,
        "calibration_chart": curves.calibration_chart,
        "loss_chart": curves.loss_chart,
        "history_chart": history.history_chart,
    }
    return environment
