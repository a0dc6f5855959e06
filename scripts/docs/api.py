"""The page of the Python API: which objects it shows. Their text is read from their docstrings, without an import."""

from __future__ import annotations

_INTRODUCTION = """# Python API

`import flightline as fl` gives `fl.open`, `fl.Project`, `fl.Run`, `fl.Release` and the errors; the other classes are
what their attributes return. Nothing loads TensorFlow except `model()`. What does not exist raises `fl.UsageError` with
what to do. [Notebooks](../notebooks.md) has examples.
"""
DOCUMENTED_OBJECTS = {
    "A project": ("flightline.open", "flightline.Project"),
    "Runs": (
        "flightline.Run",
        "flightline.api.run.ProjectRuns",
        "flightline.api.verdict.Verdict",
        "flightline.api.metrics.Metrics",
        "flightline.api.statistics.Statistics",
        "flightline.api.anomalies.Anomalies",
        "flightline.api.anomalies.Anomaly",
        "flightline.api.steps.Steps",
        "flightline.api.lineage.Lineage",
        "flightline.api.run_diff.RunDiff",
    ),
    "Releases": ("flightline.Release", "flightline.api.release.ProjectReleases"),
    "Data of a run": (
        "flightline.metadata.step.Step",
        "flightline.metadata.row_accounting.RowAccounting",
        "flightline.metadata.evaluation.Evaluation",
        "flightline.metadata.evaluation.MissedThreshold",
        "flightline.metadata.evaluation.ChampionDifference",
        "flightline.runs.explain.RunExplanation",
        "flightline.runs.explain.ThresholdCheck",
        "flightline.runs.explain.StepReason",
        "flightline.metadata.lineage.Artifact",
    ),
    "Errors": (
        "flightline.FlightlineError",
        "flightline.StepFailed",
        "flightline.UsageError",
        "flightline.ConfigError",
        "flightline.InputError",
        "flightline.DataBlocked",
        "flightline.NotBlessed",
        "flightline.PrivateApiChanged",
        "flightline.AlertFiring",
        "flightline.Interrupted",
    ),
}


def render_page() -> str:
    """The reference page, which mkdocstrings fills in."""
    text = [_INTRODUCTION]
    for title, names in DOCUMENTED_OBJECTS.items():
        text.append(f"## {title}\n")
        text += [f"::: {name}\n" for name in names]
    return "\n".join(text)
