"""Applies the gate's policy: each finding blocks, warns or is ignored, by its kind and feature."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flightline.config.gate import FindingKind, GatePolicy
from flightline.executors.data_gate.findings import Finding

DUPLICATED_SPAN, LABEL_ASSOCIATION_LOST = "DUPLICATED_SPAN", "LABEL_ASSOCIATION_LOST"
_KIND_BY_ANOMALY: dict[str, FindingKind] = {
    "MISSING_VALUES": "missing",
    "NO_ROWS_LEFT": "rejected",
    "COMPARATOR_L_INFTY_HIGH": "drift",
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": "drift",
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH": "drift",
    DUPLICATED_SPAN: "duplicate",
    LABEL_ASSOCIATION_LOST: "label_association",
}


def finding_kind(finding: Finding) -> FindingKind:
    """The kind under which the config's policy has a finding."""
    return "rejected" if finding.kind.startswith("REJECTED_") else _KIND_BY_ANOMALY.get(finding.kind, "anomaly")


def apply_policy(found: Iterable[Finding], policy: GatePolicy) -> list[Finding]:
    """Removes ignored findings and sets whether the others block; what TFDV calls a warning never blocks."""
    kept = [(finding, policy.severity(finding_kind(finding), finding.feature)) for finding in found]
    return [
        replace(finding, blocks=finding.blocks and severity == "block")
        for finding, severity in kept
        if severity != "ignore"
    ]
