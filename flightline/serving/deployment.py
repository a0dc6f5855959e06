"""Which releases answer: the current one, perhaps a canary for a share of the requests, perhaps a shadow."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flightline.serving.release import Release

CURRENT, CANARY = "current", "canary"


@dataclass(frozen=True)
class Deployment:
    """Replaced as a whole, never changed.

    Attributes:
        canary: answers a `share` of the requests, chosen by a hash of their id: the same id, the same release.
        shadow: answers all of them, for the log alone.
    """

    current: Release
    canary: Release | None = None
    share: float = 0.0
    shadow: Release | None = None

    def route(self, request_id: str) -> tuple[Release, str]:
        """The release that answers a request, and its role."""
        if self.canary is not None and hash_fraction(request_id) < self.share:
            return self.canary, CANARY
        return self.current, CURRENT


def hash_fraction(request_id: str) -> float:
    """Where an id lies in [0, 1): evenly spread, the same in every process."""
    digest = hashlib.blake2b(request_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64
