"""`gate.policy` of the config: what each kind of finding does to a run."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

GateSeverity = Literal["block", "warn", "ignore"]
FindingKind = Literal["anomaly", "drift", "missing", "rejected", "duplicate", "labels"]


class GatePolicy(BaseModel):
    """How severe each kind of finding is, and for which features it is otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anomaly: GateSeverity = Field("block", description="values, types or columns that the schema refuses")
    drift: GateSeverity = Field("block", description="farther from the accepted span before than a comparator allows")
    missing: GateSeverity = Field("block", description="fewer values than the schema asks for")
    rejected: GateSeverity = Field("block", description="more rows set aside than gate.max_rejected allows")
    duplicate: GateSeverity = Field("block", description="the rows of a span that was accepted before")
    labels: GateSeverity = Field("block", description="labels that no longer go with what they went with before")
    features: dict[str, dict[FindingKind, GateSeverity]] = Field(
        default={}, description="feature → kind → what is otherwise"
    )

    def severity(self, kind: FindingKind, feature: str) -> GateSeverity:
        """What a finding of this kind about this feature does."""
        default: GateSeverity = getattr(self, kind)
        return self.features.get(feature, {}).get(kind, default)
