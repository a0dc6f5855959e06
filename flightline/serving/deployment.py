"""The releases being served: the current one, perhaps a canary for a share of the traffic, perhaps a shadow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flightline.serving.release import Release

CURRENT, CANARY = "current", "canary"


@dataclass(frozen=True)
class Deployment:
    """The releases being served. Immutable: a change replaces the object.

    Attributes:
        current: answers all requests that the canary does not.
        canary: answers `traffic_share` of the requests, chosen by a hash of the request id.
        traffic_share: from 0 to 1.
        shadow: predicts for all requests, into the log only.
    """

    current: Release
    canary: Release | None = None
    traffic_share: float = 0.0
    shadow: Release | None = None

    def route(self, request_id: str) -> tuple[Release, str]:
        """The release that answers a request, and its role. The same id always gets the same release."""
        if self.canary is not None and hash_fraction(request_id) < self.traffic_share:
            return self.canary, CANARY
        return self.current, CURRENT


def hash_fraction(request_id: str) -> float:
    """A number in [0, 1) for an id: evenly distributed, and the same in every process."""
    digest = hashlib.blake2b(request_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
