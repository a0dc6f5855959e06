"""What the server does, apart from protocols: takes rows, answers them with a release, logs both.

One Service lives in the process. Which releases answer is one object (`Deployment`) that is replaced as a whole; a
request takes it once and is answered by what it took, whatever is swapped meanwhile.
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
from flightline.serving.target import Answers

logger = logging.getLogger("flightline.serving")


@dataclass(frozen=True)
class Answer:
    """What a request is answered.

    Attributes:
        answers: to the rows, in their order.
    """

    request_id: str
    version: str
    answers: Answers


class NoReleaseLoaded(RuntimeError):
    """There is no release that could answer: none has been loaded yet."""

    def __init__(self) -> None:
        super().__init__("no release is loaded yet; ask again in a moment")


class Service:
    """Answers requests. `deployment` is None until a release has been loaded."""

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
            metrics.LOG_ROWS.labels("lost").set(self.log.lost)
        if settings.monitoring:
            metrics.register_monitoring_file(settings.monitoring)

    async def answer_rows(self, rows: Any, request_id: str | None = None) -> Answer:
        """Answers a list of JSON objects. Raises Refused, or NotReady."""
        if isinstance(rows, list) and len(rows) > self.settings.max_rows:
            raise self._too_many_rows(len(rows))
        return await self._answer(lambda release: release.contract.read_rows(rows), request_id)

    async def answer_columns(self, columns: Mapping[str, Sequence[Any]], request_id: str | None = None) -> Answer:
        """Answers columns of values. Raises Refused, or NotReady."""
        if (rows := max(map(len, columns.values()), default=0)) > self.settings.max_rows:
            raise self._too_many_rows(rows)
        return await self._answer(lambda release: release.contract.read_columns(columns), request_id)

    def _too_many_rows(self, rows: int) -> ContractViolation:
        return ContractViolation(
            [RowProblem(None, "", "rows", f"{rows:,} rows; one request takes {self.settings.max_rows:,}")]
        )

    async def _answer(self, read: Callable[[Release], ValidatedRows], given_id: str | None) -> Answer:
        deployment = self.deployment
        if deployment is None:
            metrics.REQUESTS.labels("", CURRENT, "failed").inc()  # the log is of what releases were asked
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
    ) -> Answer:
        start, came = time.perf_counter(), time.time_ns() // 1000

        def entry(**more: Any) -> LogEntry:
            latency = (time.perf_counter() - start) * 1000
            return LogEntry(came, request_id, release.contract, release.version, role, latency, **more)

        try:
            rows = read(release)
            outputs = await self._models.predict(release, rows.examples)
        except Exception as error:
            self._count_failure(release, role, error)
            self._log(entry(error=self._redacted_error(error), refused=isinstance(error, ContractViolation)))
            raise
        answers = release.contract.target.answers(outputs, self.settings.threshold)
        logged = entry(columns=rows.columns, scores=answers.scores, labels=answers.labels)
        metrics.REQUESTS.labels(release.version, role, "answered").inc()
        metrics.ROWS.labels(release.version, role).inc(len(answers))
        metrics.LATENCY.labels(release.version, role).observe(logged.latency_ms / 1000)
        if self.on_answer:
            self.on_answer(role, logged.latency_ms, answers.scores)
        if deployment.shadow is None:
            self._log(logged)
        else:
            self._run_in_background(self._answer_shadow(deployment.shadow, rows, logged))
        return Answer(request_id, release.version, answers)

    def _count_failure(self, release: Release, role: str, error: Exception) -> None:
        refused = isinstance(error, ContractViolation)
        metrics.REQUESTS.labels(release.version, role, "refused" if refused else "failed").inc()
        if isinstance(error, ContractViolation):
            for problem in error.problems:
                known = problem.feature if problem.feature in release.contract.features else ""
                metrics.REFUSED_VALUES.labels(known, problem.reason).inc()
        elif self.on_answer:
            self.on_answer(role, 0.0, None)

    def _redacted_error(self, error: Exception) -> str:
        """An error as the log keeps it: without values of features that are sensitive."""
        if not isinstance(error, ContractViolation):
            return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        log = self.settings.log
        sensitive = {*log.drop, *log.hash} if log else set()
        told = (f"{p.feature}: {p.reason}" if p.feature in sensitive else str(p) for p in error.problems)
        return "; ".join(told)[:1000]

    async def _answer_shadow(self, shadow: Release, rows: ValidatedRows, logged: LogEntry) -> None:
        """Lets a release answer for the log alone, after the answer has been given."""
        answered: dict[str, Any] = {}
        try:
            if shadow.contract is logged.contract or shadow.contract.features == logged.contract.features:
                examples = rows.examples
            else:
                examples = shadow.contract.read_columns(
                    {name: values for name, values in rows.columns.items() if name in shadow.contract.features}
                ).examples
            outputs = await self._models.predict(shadow, examples)
            answers = shadow.contract.target.answers(outputs, self.settings.threshold)
            answered = {"shadow": (shadow.version, answers.scores), "shadow_labels": answers.labels}
            metrics.REQUESTS.labels(shadow.version, "shadow", "answered").inc()
        except Exception as error:
            metrics.REQUESTS.labels(shadow.version, "shadow", "failed").inc()
            logger.warning("the shadow %s did not answer: %s", shadow.version, error)
        self._log(replace(logged, **answered))

    def _run_in_background(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _log(self, entry: LogEntry) -> None:
        if self.log:
            self.log.append(entry)

    async def close(self) -> None:
        """Answers and logs what has been taken, then ends."""
        await asyncio.gather(*self._background, return_exceptions=True)
        if self.log:
            await asyncio.to_thread(self.log.close)


def served_versions(deployment: Deployment | None) -> dict[str, str]:
    """Role → version of what answers."""
    if deployment is None:
        return {}
    served = {CURRENT: deployment.current.version}
    if deployment.canary:
        served[CANARY] = deployment.canary.version
    if deployment.shadow:
        served["shadow"] = deployment.shadow.version
    return served
