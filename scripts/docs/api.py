"""The Python API: which objects the reference shows. Their text is in their docstrings, read without an import."""

from __future__ import annotations

_INTRODUCTION = """# Python API

What the notebooks and `flightline` use, without TensorFlow unless it says so. Whatever is not there raises
`pipeline.errors.UsageError`, with what to do. [Notebooks](../notebooks.md) has examples.
"""
SHOWN = {
    "A config": ("pipeline.config_file.load_config", "pipeline.config_file.dump_config"),
    "Runs": ("pipeline.metadata.runs.Runs", "pipeline.metadata.run.Run", "pipeline.metadata.run.Step"),
    "What a run came to": (
        "pipeline.rows.RowAccounting",
        "pipeline.verdict.Evaluation",
        "pipeline.verdict.Miss",
        "pipeline.verdict.Difference",
        "pipeline.metadata.reasons.reasons",
        "pipeline.metadata.reasons.Reasons",
        "pipeline.metadata.reasons.Check",
        "pipeline.metadata.reasons.StepReason",
    ),
    "Lineage and differences": (
        "pipeline.metadata.ancestry.ancestry",
        "pipeline.metadata.ancestry.Ancestry",
        "pipeline.metadata.lineage.Artifact",
        "pipeline.metadata.differences.differences",
        "pipeline.metadata.differences.Differences",
    ),
    "Releases": (
        "pipeline.metadata.released.Released",
        "pipeline.releases.Release",
        "pipeline.releases.releases",
        "pipeline.releases.current_version",
        "pipeline.releases.promote",
        "pipeline.releases.roll_back",
    ),
    "The audit log": ("pipeline.audit.read", "pipeline.audit.verify", "pipeline.audit.Entry"),
    "Starting a run": ("pipeline.launch.Request", "pipeline.launch.run"),
    "Drawing": (
        "pipeline.report.notebook.distributions",
        "pipeline.report.notebook.by_slice",
        "pipeline.report.notebook.metrics",
        "pipeline.report.notebook.table",
        "pipeline.report.notebook.pictures",
    ),
    "Errors": ("pipeline.errors.FlightlineError",),
}


def page() -> str:
    """The reference page, which mkdocstrings fills in."""
    text = [_INTRODUCTION]
    for title, names in SHOWN.items():
        text.append(f"## {title}\n")
        text += [f"::: {name}\n" for name in names]
    return "\n".join(text)
