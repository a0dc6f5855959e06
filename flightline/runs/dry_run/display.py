"""Dataflow jobs as a person reads them, and as a program does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from flightline.utils.terminal import escape

UNKNOWN_WITHOUT_CREDENTIALS = (
    "Not known without credentials: whether bucket, image and service account exist and may be used, quota, how many "
    "workers autoscaling will settle on, and what it will cost."
)


def show_jobs(console: Console, jobs: Mapping[str, Sequence[Any]]) -> None:
    """Prints a line for each job (transforms, staged files, what no other asks for), then what they have in common.

    `jobs` holds DataflowJobs by component.
    """
    every = [job for of_node in jobs.values() for job in of_node]
    common = _shared_settings([job_settings(job) for job in every])
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("component", "composite", "leaf", "staged", "of its own"):
        table.add_column(name, justify="right" if name in {"composite", "leaf"} else "left", overflow="fold")
    for node, of_node in jobs.items():
        for job in of_node:
            staged = f"{len(job.staged)} files, {sum(job.staged.values()) / 1024:,.0f} KB"
            own = [f"{name} {value}" for name, value in job_settings(job).items() if value and name not in common]
            table.add_row(node, f"{job.composites:,}", f"{job.leaves:,}", staged, escape("; ".join(own)))
    console.print()
    console.print(table)
    console.print()
    console.print(_settings_table(common))
    console.print()
    console.print(
        f"[bold green]{len(every)} job graphs built[/], nothing submitted. {UNKNOWN_WITHOUT_CREDENTIALS}",
        soft_wrap=True,
    )


def job_settings(job: Any) -> dict[str, str]:
    """What a job asks for, in words; one entry for each label."""
    options, workers = job.options, job.workers
    scaling = workers.get("autoscalingSettings", {})
    at_start = workers.get("numWorkers", "Dataflow chooses how many")
    at_most = scaling.get("maxNumWorkers", "as many as quota allows")
    return {
        "project": str(options["project"]),
        "region": str(options["region"]),
        "image": job.image,
        "machine type": str(workers.get("machineType", "Dataflow's default")),
        "workers": f"{at_start} at start, {at_most} at most",
        "service account": str(job.environment.get("serviceAccountEmail", "the project's default")),
        "temporary files": _parent_location(options["temp_location"]),
        "staging": _parent_location(options["staging_location"]),
        "staged files": ", ".join(sorted(job.staged)),
        "experiments": ", ".join(sorted(job.experiments)),
        "service options": ", ".join(job.environment.get("serviceOptions", [])),
        **{f"label {key}": value for key, value in sorted(job.labels.items())},
    }


def job_to_dict(job: Any) -> dict[str, Any]:
    """A job for JSON: its counts, its staged files, and the request that would be posted."""
    return {
        "transforms": {"composite": job.composites, "leaf": job.leaves},
        "staged": dict(job.staged),
        "settings": job_settings(job),
        "request": job.request,
    }


def _shared_settings(several: Sequence[Mapping[str, str]]) -> dict[str, str]:
    first = several[0]
    return {name: value for name, value in first.items() if value and all(s.get(name) == value for s in several)}


def _settings_table(values: Mapping[str, str]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in values.items():
        table.add_row(name, escape(value))
    return table


def _parent_location(location: Any) -> str:
    """A location without its last part, which Beam makes of the job's name and the time."""
    return str(location).rpartition("/")[0]
