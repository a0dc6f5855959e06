"""The prediction service, independent of the protocol: validate rows, predict, log.

A process has one Service. The served releases are one immutable object (`Deployment`); a request reads it once, so a
swap during the request does not affect it.
"""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from flightline.serving import metrics
from flightline.serving.batcher import Batchers
from flightline.serving.contract import ContractViolation, RowProblem, ValidatedRows
from flightline.serving.deployment import CANARY, CURRENT, Deployment
from flightline.serving.log_batch import LogEntry
from flightline.serving.prediction_log import PredictionLog
from flightline.serving.release import Release
from flightline.serving.settings import Settings
from flightline.serving.target import Predictions

logger = logging.getLogger("flightline.serving")


@dataclass(frozen=True)
class PredictResult:
    """The predictions for one request, in the order of its rows, and the version that made them."""

    request_id: str
    version: str
    predictions: Predictions


class NoReleaseLoaded(RuntimeError):
    """No release is loaded yet, so requests cannot be answered."""

    def __init__(self) -> None:
        super().__init__("no release is loaded yet; try again in a moment")


class Service:
    """Answers requests with the releases in `deployment`, which is None until the first one is loaded."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.deployment: Deployment | None = None
        self.log = PredictionLog(settings.log) if settings.log else None
        self.on_answer: Callable[[str, float, np.ndarray | None], None] | None = None
        self._models = Batchers()
        self._background: set[asyncio.Task[None]] = set()
        if self.log:
            for state in ("accepted", "written", "dropped"):
                metrics.LOG_ROWS.labels(state).set_function(lambda name=state: getattr(self.log.counts, name))
            metrics.LOG_ROWS.labels("lost").set(self.log.lost_rows)
        if settings.monitoring_file:
            metrics.register_monitoring_file(settings.monitoring_file)

    async def predict_rows(self, rows: Any, request_id: str | None = None) -> PredictResult:
        """Predict for a list of JSON objects.

        Raises:
            ContractViolation: the rows violate the input contract.
            NoReleaseLoaded: no release is loaded yet.
        """
        if isinstance(rows, list) and len(rows) > self.settings.max_rows:
            raise self._too_many_rows(len(rows))
        return await self._answer(lambda release: release.contract.read_rows(rows), request_id)

    async def predict_columns(
        self, columns: Mapping[str, Sequence[Any]], request_id: str | None = None
    ) -> PredictResult:
        """Predict for columns of values; raises like `predict_rows`."""
        if (rows := max(map(len, columns.values()), default=0)) > self.settings.max_rows:
            raise self._too_many_rows(rows)
        return await self._answer(lambda release: release.contract.read_columns(columns), request_id)

    def _too_many_rows(self, rows: int) -> ContractViolation:
        return ContractViolation(
            [RowProblem(None, "", "invalid_shape", f"{rows:,} rows; a request may have {self.settings.max_rows:,}")]
        )

    async def _answer(self, read: Callable[[Release], ValidatedRows], given_id: str | None) -> PredictResult:
        deployment = self.deployment
        if deployment is None:
            metrics.REQUESTS.labels(
                "", CURRENT, "failed"
            ).inc()  # not logged: the log has an entry for each release that was called
            raise NoReleaseLoaded
        request_id = given_id or uuid.uuid4().hex
        release, role = deployment.route(request_id)
        try:
            return await self._answer_with(release, role, deployment, read, request_id)
        except ContractViolation:
            raise
        except Exception:
            if role != CANARY:
                raise
        return await self._answer_with(deployment.current, CURRENT, deployment, read, request_id)

    async def _answer_with(
        self,
        release: Release,
        role: str,
        deployment: Deployment,
        read: Callable[[Release], ValidatedRows],
        request_id: str,
    ) -> PredictResult:
        start, received_us = time.perf_counter(), time.time_ns() // 1000

        def make_entry(**more: Any) -> LogEntry:
            latency = (time.perf_counter() - start) * 1000
            return LogEntry(received_us, request_id, release.contract, release.version, role, latency, **more)

        try:
            rows = read(release)
            outputs = await self._models.predict(release, rows.examples)
        except Exception as error:
            self._count_failure(release, role, error)
            self._log(make_entry(error=self._redacted_error(error), invalid=isinstance(error, ContractViolation)))
            raise
        predictions = release.contract.target.to_predictions(outputs, self.settings.threshold)
        entry = make_entry(columns=rows.columns, scores=predictions.scores, labels=predictions.labels)
        metrics.REQUESTS.labels(release.version, role, "answered").inc()
        metrics.ROWS.labels(release.version, role).inc(len(predictions))
        metrics.LATENCY.labels(release.version, role).observe(entry.latency_ms / 1000)
        if self.on_answer:
            self.on_answer(role, entry.latency_ms, predictions.scores)
        if deployment.shadow is None:
            self._log(entry)
        else:
            self._run_in_background(self._predict_with_shadow(deployment.shadow, rows, entry))
        return PredictResult(request_id, release.version, predictions)

    def _count_failure(self, release: Release, role: str, error: Exception) -> None:
        invalid = isinstance(error, ContractViolation)
        metrics.REQUESTS.labels(release.version, role, "invalid" if invalid else "failed").inc()
        if isinstance(error, ContractViolation):
            for problem in error.problems:
                known = problem.feature if problem.feature in release.contract.features else ""
                metrics.INVALID_VALUES.labels(known, problem.reason).inc()
        elif self.on_answer:
            self.on_answer(role, 0.0, None)

    def _redacted_error(self, error: Exception) -> str:
        """An error message for the log, without the values of sensitive features."""
        if not isinstance(error, ContractViolation):
            return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        log = self.settings.log
        sensitive = {*log.drop_features, *log.hash_features} if log else set()
        messages = (f"{p.feature}: {p.reason}" if p.feature in sensitive else str(p) for p in error.problems)
        return "; ".join(messages)[:1000]

    async def _predict_with_shadow(self, shadow: Release, rows: ValidatedRows, entry: LogEntry) -> None:
        """Add the shadow's predictions to a log entry and log it; the client already has its response."""
        predicted: dict[str, Any] = {}
        try:
            if shadow.contract is entry.contract or shadow.contract.features == entry.contract.features:
                examples = rows.examples
            else:
                examples = shadow.contract.read_columns(
                    {name: values for name, values in rows.columns.items() if name in shadow.contract.features}
                ).examples
            outputs = await self._models.predict(shadow, examples)
            predictions = shadow.contract.target.to_predictions(outputs, self.settings.threshold)
            predicted = {"shadow": (shadow.version, predictions.scores), "shadow_labels": predictions.labels}
            metrics.REQUESTS.labels(shadow.version, "shadow", "answered").inc()
        except Exception as error:
            metrics.REQUESTS.labels(shadow.version, "shadow", "failed").inc()
            logger.warning("the shadow %s failed: %s", shadow.version, error)
        self._log(replace(entry, **predicted))

    def _run_in_background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _log(self, entry: LogEntry) -> None:
        if self.log:
            self.log.append(entry)

    async def close(self) -> None:
        """Finish the background work, then close the log."""
        await asyncio.gather(*self._background, return_exceptions=True)
        if self.log:
            await asyncio.to_thread(self.log.close)


def served_versions(deployment: Deployment | None) -> dict[str, str]:
    """Role → version of the releases being served."""
    if deployment is None:
        return {}
    versions = {CURRENT: deployment.current.version}
    if deployment.canary:
        versions[CANARY] = deployment.canary.version
    if deployment.shadow:
        versions["shadow"] = deployment.shadow.version
    return versions
