"""`gate:` of the config: what the data gate blocks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from flightline.config.section import Section

GateSeverity = Literal["block", "warn", "ignore"]
FindingKind = Literal["anomaly", "drift", "missing", "rejected", "duplicate", "label_association"]
Fraction = Annotated[float, Field(ge=0, le=1)]


class GatePolicy(Section):
    """How severe each kind of finding is, with exceptions for single features."""

    anomaly: GateSeverity = Field("block", description="values, types or columns that the schema does not allow")
    drift: GateSeverity = Field(
        "block", description="a distribution farther from the previous accepted span than a drift comparator allows"
    )
    missing: GateSeverity = Field("block", description="fewer values than the schema requires")
    rejected: GateSeverity = Field("block", description="more rejected rows than gate.max_rejected allows")
    duplicate: GateSeverity = Field("block", description="the same rows as a span that was accepted before")
    label_association: GateSeverity = Field(
        "block", description="a feature that was associated with the label in the accepted spans and no longer is"
    )
    features: dict[str, dict[FindingKind, GateSeverity]] = Field(
        default={}, description="feature → kind of finding → its severity for this feature"
    )

    def severity(self, kind: FindingKind, feature: str) -> GateSeverity:
        """The severity of a finding of this kind about this feature."""
        default: GateSeverity = getattr(self, kind)
        return self.features.get(feature, {}).get(kind, default)


class GateConfig(Section):
    """What the data gate lets through."""

    max_rejected: dict[str, Fraction] = Field(
        default={"unparsable": 0.001, "missing_label": 0.05},
        description="largest share of the rows read that may be rejected, by reason",
    )
    policy: GatePolicy = Field(GatePolicy(), description="severity of each kind of finding: block, warn or ignore")

    @field_validator("max_rejected")
    @classmethod
    def _check_reasons(cls, limits: dict[str, float]) -> dict[str, float]:
        unknown = set(limits) - {"unparsable", "missing_label"}
        if unknown:
            raise ValueError(f"rows are rejected as `unparsable` or `missing_label`, not {sorted(unknown)}")
        return limits
