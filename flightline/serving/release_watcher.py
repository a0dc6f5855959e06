"""Watches the folder of releases: loads, checks and swaps in the versions in `CURRENT`, `CANARY` and `SHADOW`.

A release that does not load or fails its checks is rejected, and the served releases stay. A canary that fails, slows
down or predicts differently from the current release is rolled back automatically.
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
    """Keeps a service's deployment in line with the folder of releases."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._settings = service.settings
        self._rejected: dict[str, float] = {}  # version → modification time of its release.json when it was rejected
        self._update_lock = asyncio.Lock()
        self._guard = CanaryGuard(self._settings.canary)
        service.on_answer = self._guard.record

    async def run(self) -> None:
        """Update the deployment every `poll_s` until cancelled."""
        while True:
            await asyncio.sleep(self._settings.poll_s)
            try:
                await self.update()
            except Exception:  # retry at the next poll; the served releases stay
                logger.exception("checking %s for releases failed", self._settings.releases)

    async def update(self) -> None:
        """Load and swap in the releases that the folder names.

        Raises:
            InvalidRelease: no release is being served yet, and none can be.
        """
        async with self._update_lock:
            self._check_canary()
            desired, deployment = read_desired_releases(self._settings.releases), self._service.deployment
            current = await self._release(desired.current, deployment)
            if current is None and deployment is None:
                raise InvalidRelease(
                    f"{self._settings.releases} has no release that can be served; release a model first"
                )
            chosen = current or (deployment.current if deployment else None)
            assert chosen is not None
            canary = await self._release(desired.canary, deployment) if desired.canary != chosen.version else None
            shadow = await self._release(desired.shadow, deployment) if desired.shadow != chosen.version else None
            self._swap(Deployment(chosen, canary, desired.traffic_share if canary else 0.0, shadow))

    async def _release(self, version: str | None, deployment: Deployment | None) -> Release | None:
        """The release of a version, loaded if it is not yet; None if there is none or it is rejected."""
        if version is None:
            return None
        if deployment:
            for known in (deployment.current, deployment.canary, deployment.shadow):
                if known is not None and known.version == version:
                    return known
        folder = self._settings.releases / version
        if Path(version).name != version or self._rejected.get(version) == _release_mtime(folder):
            return None
        started = time.perf_counter()
        try:
            release = await asyncio.to_thread(load_release, folder)
        except InvalidRelease as error:
            self._rejected[version] = _release_mtime(folder)
            metrics.RELEASE_CHANGES.labels("rejected").inc()
            self.record_event("release rejected", version=version, reason=str(error))
            return None
        self._rejected.pop(version, None)
        self.record_event("release loaded", version=version, seconds=round(time.perf_counter() - started, 2))
        return release

    def _swap(self, new: Deployment) -> None:
        old = self._service.deployment
        if old == new:
            return
        if old is None or old.canary is not new.canary or old.current is not new.current:
            self._guard.reset()
        self._service.deployment = new  # a single assignment, so a request sees the old or the new deployment
        before, now = served_versions(old), served_versions(new)
        for role, version in before.items():
            if now.get(role) != version:
                metrics.ACTIVE_RELEASES.labels(version, role).set(0)
        for role, version in now.items():
            metrics.ACTIVE_RELEASES.labels(version, role).set(1)
        metrics.RELEASE_CHANGES.labels("succeeded").inc()
        self.record_event("serving", **now, **({"traffic_share": new.traffic_share} if new.canary else {}))
        if old is None:
            address = f"http://{self._settings.host}:{self._settings.http_port}/predict"
            logger.info("ready: POST %s; description: GET %s/openapi.json", address, address)
        asyncio.get_running_loop().run_in_executor(None, _collect_and_freeze_gc)

    def _check_canary(self) -> None:
        deployment = self._service.deployment
        if deployment is None or deployment.canary is None:
            return
        reason = self._guard.rollback_reason()
        if not reason:
            return
        version = deployment.canary.version
        self._swap(replace(deployment, canary=None, traffic_share=0.0))
        rolled_back = {"version": version, "reason": reason, "time": _now()}
        with contextlib.suppress(OSError):
            temporary = self._settings.releases / f".{ROLLED_BACK_FILE}.{os.getpid()}"
            temporary.write_text(json.dumps(rolled_back) + "\n", encoding="utf-8")
            temporary.replace(self._settings.releases / ROLLED_BACK_FILE)
        # Rejected as well, in case the file cannot be removed.
        self._rejected[version] = _release_mtime(self._settings.releases / version)
        with contextlib.suppress(OSError):
            (self._settings.releases / CANARY_FILE).unlink()
        metrics.RELEASE_CHANGES.labels("canary rolled back").inc()
        self.record_event("canary rolled back", version=version, reason=reason)

    def record_event(self, event: str, **facts: str | float) -> None:
        """Write an event to the server's log and to the events file."""
        logger.info("%s: %s", event, ", ".join(f"{name} {value}" for name, value in facts.items()))
        if self._settings.events_file:
            with contextlib.suppress(OSError):
                self._settings.events_file.parent.mkdir(parents=True, exist_ok=True)
                with self._settings.events_file.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"time": _now(), "event": event, **facts}) + "\n")


def _collect_and_freeze_gc() -> None:
    """Free replaced releases, whose graphs are reference cycles, and exclude all other objects from collection.

    TensorFlow keeps about a million objects alive. A full collection blocks every request for 200 ms, and Python ran
    one every few hundred requests, which determined the 99th percentile of the latency with eight clients.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _release_mtime(folder: Path) -> float:
    """When release.json was written; a rejected release is tried again once that changes."""
    try:
        return (folder / "release.json").stat().st_mtime
    except OSError:
        return 0.0


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
