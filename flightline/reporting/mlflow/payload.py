"""What MLflow is told of a run, as plain data: the names and limits are MLflow's, MLflow itself is not needed."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flightline.errors import EXIT_OK, Interrupted
from flightline.metadata.evaluation import OVERALL, Evaluation
from flightline.reporting.html.data import ReportData
from flightline.reporting.html.run_changes import flatten_config

EXCLUDED_SETTINGS = ("model_card.",)  # settings that decide nothing about the model
MAX_NAME_LENGTH, MAX_VALUE_LENGTH = 200, 6000
_INVALID_NAME_CHARS = re.compile(r"[^\w.\- :]")  # by MLflow, in names
_PLAIN_SLICE = re.compile(r"[\w.\-]+=[\w.\-]+(,[\w.\-]+=[\w.\-]+)*")


@dataclass(frozen=True)
class MlflowMetric:
    """A metric of MLflow; `step` is the optimiser's for what was measured while training, else 0."""

    name: str
    value: float
    step: int = 0


def run_params(data: ReportData) -> dict[str, str]:
    """The run's settings (`train.epochs`) as text."""
    settings = flatten_config(data.config)
    return {
        name: value[:MAX_VALUE_LENGTH] for name, value in settings.items() if not name.startswith(EXCLUDED_SETTINGS)
    }


def run_metrics(data: ReportData) -> list[MlflowMetric]:
    """All that was measured: `auc` on all rows, `origin:JFK/auc` on a slice, `champion/auc`, `rows/train`,
    `seconds/Trainer`, `training/loss` by step. What is no number is left out."""
    found = [
        MlflowMetric(name, value)
        for name, value in _evaluation_metrics(data.summary.evaluation if data.summary else None)
    ]
    rows = data.summary.rows if data.summary else None
    if rows is not None:
        counts = {"read": rows.read, **rows.splits, **{f"rejected/{name}": n for name, n in rows.rejected.items()}}
        found += [MlflowMetric(f"rows/{name}", float(count)) for name, count in counts.items()]
    found += [MlflowMetric(f"seconds/{step.node}", step.seconds) for step in data.steps if step.seconds is not None]
    if data.training is not None:
        found += [MlflowMetric("training/loss", loss, step) for step, loss in data.training.losses if loss is not None]
        for epoch, _, held_out in data.training.epochs:
            if held_out is not None:
                found.append(MlflowMetric("training/held_out_loss", held_out, epoch * data.training.steps_per_epoch))
    return [metric for metric in found if math.isfinite(metric.value)]


def _evaluation_metrics(evaluation: Evaluation | None) -> Iterator[tuple[str, float]]:
    if evaluation is None:
        return
    for name, measured in evaluation.metrics.items():
        prefix = "" if name == OVERALL else f"{slice_prefix(name)}/"
        yield from ((f"{prefix}{metric}", value) for metric, value in measured.items())
    champion: Mapping[str, float] = evaluation.champion.get(OVERALL, {})
    yield from ((f"champion/{metric}", value) for metric, value in champion.items())


def slice_prefix(name: str) -> str:
    """A slice as the start of a metric's name: `origin=JFK,month=2` is `origin:JFK month:2`.

    Values from the data may hold what MLflow refuses in names; where one does, a digest keeps the names apart.
    """
    written = name.replace("=", ":").replace(",", " ")
    if _PLAIN_SLICE.fullmatch(name) and len(written) <= MAX_NAME_LENGTH:
        return written
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_INVALID_NAME_CHARS.sub('_', written)[:MAX_NAME_LENGTH]}-{digest}"


def run_tags(data: ReportData) -> dict[str, str]:
    """Where the run is from, and what it came to."""
    summary, origin = data.summary, data.origin
    tags = {"tfx.run_id": data.run_id, "tfx.pipeline": data.pipeline}
    if summary is not None:
        tags["flightline.exit_code"] = str(summary.exit_code)
        if summary.failure:
            tags["mlflow.note.content"] = summary.failure
    if origin is not None:
        tags |= {f"digest.{name.removeprefix('code: ')}": digest for name, digest in origin.digests.items()}
        if origin.commit:
            tags["mlflow.source.git.commit"] = origin.commit
            tags["flightline.edited"] = str(origin.dirty).lower()
    return tags


def run_status(data: ReportData) -> str:
    """MLflow's word for how the run ended; a model that was not blessed is a run that failed to release one."""
    if data.summary is None or data.summary.exit_code == Interrupted.exit_code:
        return "KILLED"
    return "FINISHED" if data.summary.exit_code == EXIT_OK else "FAILED"
