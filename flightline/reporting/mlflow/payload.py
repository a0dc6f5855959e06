"""The data of a run that is logged to MLflow, within its limits for names and values. Does not import MLflow."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flightline.errors import EXIT_OK, Interrupted
from flightline.metadata.evaluation import OVERALL, Evaluation
from flightline.metadata.provenance import CODE_DIGEST_PREFIX
from flightline.reporting.html.data import ReportData
from flightline.reporting.html.run_changes import flatten_config

EXCLUDED_SETTINGS = ("model_card.",)  # settings that do not affect the model
MAX_NAME_LENGTH, MAX_VALUE_LENGTH = 200, 6000
_INVALID_NAME_CHARS = re.compile(r"[^\w.\- :]")  # in names, by MLflow's rules
_PLAIN_SLICE = re.compile(r"[\w.\-]+=[\w.\-]+(,[\w.\-]+=[\w.\-]+)*")


@dataclass(frozen=True)
class MlflowMetric:
    """A metric of MLflow; `step` is the optimizer step for metrics of the training, else 0."""

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
    """All metrics of the run: `auc` on all rows, `origin:JFK/auc` on a slice, `champion/auc`, `rows/train`,
    `seconds/Trainer`, `training/loss` by step. NaN and infinity are left out."""
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
        for epoch, _, validation_loss in data.training.epochs:
            if validation_loss is not None:
                found.append(
                    MlflowMetric("training/validation_loss", validation_loss, epoch * data.training.steps_per_epoch)
                )
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
    """A slice as the prefix of a metric's name: `origin=JFK,month=2` becomes `origin:JFK month:2`.

    Characters that MLflow does not allow in names are replaced; a digest then keeps the names distinct.
    """
    prefix = name.replace("=", ":").replace(",", " ")
    if _PLAIN_SLICE.fullmatch(name) and len(prefix) <= MAX_NAME_LENGTH:
        return prefix
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{_INVALID_NAME_CHARS.sub('_', prefix)[:MAX_NAME_LENGTH]}-{digest}"


def run_tags(data: ReportData) -> dict[str, str]:
    """Tags: ids of the run, its exit code, and its provenance."""
    summary, provenance = data.summary, data.provenance
    tags = {"tfx.run_id": data.run_id, "tfx.pipeline": data.pipeline}
    if summary is not None:
        tags["flightline.exit_code"] = str(summary.exit_code)
        if summary.failure:
            tags["mlflow.note.content"] = summary.failure
    if provenance is not None:
        tags |= {
            f"digest.{name.removeprefix(CODE_DIGEST_PREFIX)}": digest for name, digest in provenance.digests.items()
        }
        if provenance.commit:
            tags["mlflow.source.git.commit"] = provenance.commit
            tags["flightline.git_dirty"] = str(provenance.dirty).lower()
    return tags


def run_status(data: ReportData) -> str:
    """MLflow's status of the run; a run whose model was not blessed has failed."""
    if data.summary is None or data.summary.exit_code == Interrupted.exit_code:
        return "KILLED"
    return "FINISHED" if data.summary.exit_code == EXIT_OK else "FAILED"
