"""Show Dataflow jobs on the terminal, or as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from flightline.utils.terminal import escape

UNKNOWN_WITHOUT_CREDENTIALS = (
    "Unknown without credentials: whether bucket, image and service account exist and are accessible, the quota, how "
    "many workers autoscaling will use, and the cost."
)


def show_jobs(console: Console, jobs: Mapping[str, Sequence[Any]]) -> None:
    """Print a line for each job (transforms, staged files, own settings), then the settings that all jobs share.

    Args:
        jobs: component → its DataflowJobs.
    """
    all_jobs = [job for node_jobs in jobs.values() for job in node_jobs]
    common = _shared_settings([job_settings(job) for job in all_jobs])
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("component", "composite", "leaf", "staged", "own settings"):
        table.add_column(name, justify="right" if name in {"composite", "leaf"} else "left", overflow="fold")
    for node, node_jobs in jobs.items():
        for job in node_jobs:
            staged = f"{len(job.staged_files)} files, {sum(job.staged_files.values()) / 1024:,.0f} KB"
            own = [f"{name} {value}" for name, value in job_settings(job).items() if value and name not in common]
            table.add_row(
                node, f"{job.composite_transforms:,}", f"{job.leaf_transforms:,}", staged, escape("; ".join(own))
            )
    console.print()
    console.print(table)
    console.print()
    console.print(_settings_table(common))
    console.print()
    console.print(
        f"[bold green]{len(all_jobs)} job graphs built[/], nothing submitted. {UNKNOWN_WITHOUT_CREDENTIALS}",
        soft_wrap=True,
    )


def job_settings(job: Any) -> dict[str, str]:
    """Return a job's settings in words; each label is a setting."""
    options, workers = job.options, job.workers
    scaling = workers.get("autoscalingSettings", {})
    initial = workers.get("numWorkers", "Dataflow chooses how many")
    maximum = scaling.get("maxNumWorkers", "as many as quota allows")
    return {
        "project": str(options["project"]),
        "region": str(options["region"]),
        "image": job.image,
        "machine type": str(workers.get("machineType", "Dataflow's default")),
        "workers": f"{initial} at start, {maximum} at most",
        "service account": str(job.environment.get("serviceAccountEmail", "the project's default")),
        "temporary files": _parent_location(options["temp_location"]),
        "staging": _parent_location(options["staging_location"]),
        "staged files": ", ".join(sorted(job.staged_files)),
        "experiments": ", ".join(sorted(job.experiments)),
        "service options": ", ".join(job.environment.get("serviceOptions", [])),
        **{f"label {key}": value for key, value in sorted(job.labels.items())},
    }


def job_to_dict(job: Any) -> dict[str, Any]:
    """Return a job for JSON: its counts, its staged files, and the request that would be posted."""
    return {
        "transforms": {"composite": job.composite_transforms, "leaf": job.leaf_transforms},
        "staged": dict(job.staged_files),
        "settings": job_settings(job),
        "request": job.request,
    }


def _shared_settings(jobs: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first = jobs[0]
    return {name: value for name, value in first.items() if value and all(job.get(name) == value for job in jobs)}


def _settings_table(values: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, escape(value))
    return table


def _parent_location(location: Any) -> str:
    """Return a location without its last part, which Beam makes from the job's name and the time."""
    return str(location).rpartition("/")[0]
