"""Renders reports as self-contained HTML pages: no script, no font, no image, no request."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from flightline.reporting.html import svg, view_model
from flightline.reporting.html.charts import curves, dag, distributions, history, rows, slices
from flightline.reporting.html.data import ReportData
from flightline.reporting.html.upstream_artifacts import upstream_artifacts

TEMPLATE_DIR = Path(__file__).parent / "templates"


def render_report(data: ReportData) -> str:
    """The page of a run."""
    summary = data.summary
    return (
        _jinja_environment()
        .get_template("report.html")
        .render(
            data=data,
            summary=summary,
            evaluation=summary.evaluation if summary else None,
            verdict=view_model.run_verdict(summary),
            findings=view_model.findings_by_feature(summary.findings if summary else []),
            lineage=upstream_artifacts(data.artifacts),
            has_card=any(data.card.model_dump().values()),
        )
    )


def render_index(**context: Any) -> str:
    """The page that lists runs and releases."""
    return _jinja_environment().get_template("index.html").render(**context)


def render_monitoring(**context: Any) -> str:
    """The page of a monitoring run."""
    return _jinja_environment().get_template("monitoring.html").render(**context)


def render_simulation(**context: Any) -> str:
    """The page of a simulation: months of serving, monitoring and retraining."""
    return _jinja_environment().get_template("simulation.html").render(**context)


@cache
def _jinja_environment() -> Environment:
    """Templates escape all that they print; a name that is not defined is an error."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE_DIR),
        autoescape=True,
        finalize=lambda value: svg.replace_control_characters(value) if isinstance(value, str) else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "format_number": svg.format_number,
        "format_percent": svg.format_percent,
        "format_duration": svg.format_duration,
        "shorten": svg.shorten,
        "format_timestamp": view_model.format_timestamp,
        "split_paragraphs": view_model.split_paragraphs,
    }
    environment.globals |= {
        "view": view_model,
        "dag_chart": dag.dag_chart,
        "lineage_chart": dag.lineage_chart,
        "state_symbols": dag.STATE_SYMBOLS,
        "distribution_chart": distributions.distribution_chart,
        "rows_bar": rows.rows_bar,
        "row_segments": rows.row_segments,
        "metric_by_slice": slices.metric_by_slice,
        "roc_chart": curves.roc_chart,
        "calibration_chart": curves.calibration_chart,
        "loss_chart": curves.loss_chart,
        "history_chart": history.history_chart,
    }
    return environment
