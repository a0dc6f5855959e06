"""Follows the folder of releases: what `CURRENT`, `CANARY` and `SHADOW` name is loaded aside, checked, and swapped in.

A release that does not load or gives no sound answer is refused, and what answered before answers on. A canary that
fails, slows down or predicts otherwise than the current release is taken back by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
import os
import time
from dataclasses import replace
from pathlib import Path

from flightline.serving import metrics
from flightline.serving.canary_guard import CanaryGuard
from flightline.serving.deployment import Deployment
from flightline.serving.release import InvalidRelease, Release, load_release
from flightline.serving.rollout_files import CANARY_FILE, ROLLED_BACK_FILE, read_desired_releases
from flightline.serving.service import Service, served_versions

logger = logging.getLogger("flightline.serving.release_watcher")


class ReleaseWatcher:
    """Keeps a service's deployment as the folder of releases asks."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings
        self._refused: dict[str, float] = {}  # version → time of its release.json when it was refused
        self._update_lock = asyncio.Lock()
        self._guard = CanaryGuard(self._settings.canary)
        service.on_answer = self._guard.saw

    async def run(self) -> None:
        """Looks every `poll_s` until cancelled."""
        while True:
            await asyncio.sleep(self._settings.poll_s)
            try:
                await self.look()
            except Exception:  # the next look may do better; what answers is not touched
                logger.exception("looking at %s failed", self._settings.releases)

    async def look(self) -> None:
        """Compares what is asked for with what answers, and changes what differs.

        Raises:
            BadRelease: nothing answers yet, and nothing that is asked for can.
        """
        async with self._update_lock:
            self._check_canary()
            wanted, deployment = read_desired_releases(self._settings.releases), self._service.deployment
            current = await self._release(wanted.current, deployment)
            if current is None and deployment is None:
                raise InvalidRelease(f"{self._settings.releases} has no release that can be served; release one first")
            chosen = current or (deployment.current if deployment else None)
            assert chosen is not None
            canary = await self._release(wanted.canary, deployment) if wanted.canary != chosen.version else None
            shadow = await self._release(wanted.shadow, deployment) if wanted.shadow != chosen.version else None
            self._swap(Deployment(chosen, canary, wanted.share if canary else 0.0, shadow))

    async def _release(self, version: str | None, deployment: Deployment | None) -> Release | None:
        """The release of a version, loaded where it is not; None where there is none or it is refused."""
        if version is None:
            return None
        if deployment:
            for known in (deployment.current, deployment.canary, deployment.shadow):
                if known is not None and known.version == version:
                    return known
        folder = self._settings.releases / version
        if Path(version).name != version or self._refused.get(version) == _release_mtime(folder):
            return None
        started = time.perf_counter()
        try:
            release = await asyncio.to_thread(load_release, folder)
        except InvalidRelease as error:
            self._refused[version] = _release_mtime(folder)
            metrics.SWAPS.labels("refused").inc()
            self.note("release refused", version=version, reason=str(error))
            return None
        self._refused.pop(version, None)
        self.note("release loaded", version=version, seconds=round(time.perf_counter() - started, 2))
        return release

    def _swap(self, new: Deployment) -> None:
        old = self._service.deployment
        if old == new:
            return
        if old is None or old.canary is not new.canary or old.current is not new.current:
            self._guard.reset()
        self._service.deployment = new  # one assignment: a request sees the old or the new, whole
        before, now = served_versions(old), served_versions(new)
        for role, version in before.items():
            if now.get(role) != version:
                metrics.SERVED_RELEASES.labels(version, role).set(0)
        for role, version in now.items():
            metrics.SERVED_RELEASES.labels(version, role).set(1)
        metrics.SWAPS.labels("done").inc()
        self.note("serving", **now, **({"share": new.share} if new.canary else {}))
        if old is None:
            address = f"http://{self._settings.host}:{self._settings.http_port}/predict"
            logger.info("ask it: POST %s; what it takes and answers: GET %s/openapi.json", address, address)
        asyncio.get_running_loop().run_in_executor(None, _collect_and_freeze_gc)

    def _check_canary(self) -> None:
        deployment = self._service.deployment
        if deployment is None or deployment.canary is None:
            return
        reason = self._guard.verdict()
        if not reason:
            return
        version = deployment.canary.version
        self._swap(replace(deployment, canary=None, share=0.0))
        rolled_back = {"version": version, "reason": reason, "at": _now()}
        with contextlib.suppress(OSError):
            aside = self._settings.releases / f".{ROLLED_BACK_FILE}.{os.getpid()}"
            aside.write_text(json.dumps(rolled_back) + "\n", encoding="utf-8")
            aside.replace(self._settings.releases / ROLLED_BACK_FILE)
        self._refused[version] = _release_mtime(
            self._settings.releases / version
        )  # also where the file cannot be removed
        with contextlib.suppress(OSError):
            (self._settings.releases / CANARY_FILE).unlink()
        metrics.SWAPS.labels("canary taken back").inc()
        self.note("canary taken back", version=version, reason=reason)

    def note(self, event: str, **facts: str | float) -> None:
        """Says what happened, in the log of the server and in the file of events."""
        logger.info("%s: %s", event, ", ".join(f"{name} {value}" for name, value in facts.items()))
        if self._settings.events:
            with contextlib.suppress(OSError):
                self._settings.events.parent.mkdir(parents=True, exist_ok=True)
                with self._settings.events.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"at": _now(), "event": event, **facts}) + "\n")


def _collect_and_freeze_gc() -> None:
    """Frees releases that are gone, whose graphs hold on to themselves, and lets collections pass over the rest.

    TensorFlow has about a million objects alive. Looking through all of them keeps every request waiting for 200 ms,
    and Python did so every few hundred requests: it was the 99th percentile of eight clients.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _release_mtime(folder: Path) -> float:
    """When a release was described; what was refused is looked at again where that has changed."""
    try:
        return (folder / "release.json").stat().st_mtime
    except OSError:
        return 0.0


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
