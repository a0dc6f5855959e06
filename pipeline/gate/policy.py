"""How severe what the gate finds is: blocks, warns, or is ignored, by kind and by feature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipeline.gate.findings import Finding

Severity = Literal["block", "warn", "ignore"]
Kind = Literal["anomaly", "drift", "missing", "rejected", "duplicate", "labels"]
DUPLICATE, LABELS = "DUPLICATED_SPAN", "LABELS_DETACHED"
_KINDS: dict[str, Kind] = {
    "MISSING_VALUES": "missing",
    "NO_ROWS_LEFT": "rejected",
    "COMPARATOR_L_INFTY_HIGH": "drift",
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": "drift",
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH": "drift",
    DUPLICATE: "duplicate",
    LABELS: "labels",
}


class Policy(BaseModel):
    """How severe each kind of finding is, and for which features it is otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anomaly: Severity = Field("block", description="values, types or columns that the schema refuses")
    drift: Severity = Field("block", description="farther from the accepted span before than a comparator allows")
    missing: Severity = Field("block", description="fewer values than the schema asks for")
    rejected: Severity = Field("block", description="more rows set aside than gate.max_rejected allows")
    duplicate: Severity = Field("block", description="the rows of a span that was accepted before")
    labels: Severity = Field("block", description="labels that no longer go with what they went with before")
    features: dict[str, dict[Kind, Severity]] = Field(default={}, description="feature → kind → what is otherwise")

    def of(self, finding: Finding) -> Severity:
        kind = kind_of(finding)
        default: Severity = getattr(self, kind)
        return self.features.get(finding.feature, {}).get(kind, default)


def kind_of(finding: Finding) -> Kind:
    """What a finding is about, as the policy has it."""
    return "rejected" if finding.kind.startswith("REJECTED_") else _KINDS.get(finding.kind, "anomaly")


def judged(found: Iterable[Finding], policy: Policy) -> list[Finding]:
    """The findings that are not ignored; what TFDV calls a warning blocks nowhere."""
    kept = [(finding, policy.of(finding)) for finding in found]
    return [replace(finding, blocks=finding.blocks and how == "block") for finding, how in kept if how != "ignore"]
