"""The Python API: which objects the reference shows. Their text is in their docstrings, read without an import."""

from __future__ import annotations

_INTRODUCTION = """# Python API

What the notebooks and `flightline` use, without TensorFlow unless it says so. Whatever is not there raises
`flightline.errors.UsageError`, with what to do. [Notebooks](../notebooks.md) has examples.
"""
DOCUMENTED_OBJECTS = {
    "A config": ("flightline.config.loader.load_config", "flightline.config.loader.dump_config"),
    "Runs": ("flightline.metadata.runs.Runs", "flightline.metadata.run.Run", "flightline.metadata.step.Step"),
    "What a run came to": (
        "flightline.metadata.row_accounting.RowAccounting",
        "flightline.metadata.evaluation.Evaluation",
        "flightline.metadata.evaluation.MissedThreshold",
        "flightline.metadata.evaluation.ChampionDifference",
        "flightline.runs.explain.explain_run",
        "flightline.runs.explain.RunExplanation",
        "flightline.runs.explain.ThresholdCheck",
        "flightline.runs.explain.StepReason",
    ),
    "Lineage and differences": (
        "flightline.releases.lineage.trace_lineage",
        "flightline.releases.lineage.Lineage",
        "flightline.metadata.lineage.Artifact",
        "flightline.reporting.run_diff.diff_runs",
        "flightline.reporting.run_diff.RunDiff",
    ),
    "Releases": (
        "flightline.releases.release.ReleaseDetails",
        "flightline.releases.registry.Release",
        "flightline.releases.registry.read_releases",
        "flightline.releases.registry.current_version",
        "flightline.releases.registry.promote",
        "flightline.releases.registry.roll_back",
    ),
    "The audit log": (
        "flightline.releases.audit_log.read",
        "flightline.releases.audit_log.verify",
        "flightline.releases.audit_log.AuditEntry",
    ),
    "Starting a run": ("flightline.runs.request.RunRequest", "flightline.runs.launch.run_pipeline"),
    "Drawing": (
        "flightline.reporting.html.notebook.distributions",
        "flightline.reporting.html.notebook.by_slice",
        "flightline.reporting.html.notebook.metrics",
        "flightline.reporting.html.notebook.table",
        "flightline.reporting.html.notebook.pictures",
    ),
    "Errors": ("flightline.errors.FlightlineError",),
}


def render_page() -> str:
    """The reference page, which mkdocstrings fills in."""
    text = [_INTRODUCTION]
    for title, names in DOCUMENTED_OBJECTS.items():
        text.append(f"## {title}\n")
        text += [f"::: {name}\n" for name in names]
    return "\n".join(text)
