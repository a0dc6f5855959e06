"""What a release, a run or an artifact was made from."""

from __future__ import annotations

from flightline.api.html import html_table
from flightline.api.pictures import Picture, Pictures
from flightline.releases import lineage as releases_lineage
from flightline.reporting.html.charts.dag import lineage_chart
from flightline.reporting.html.data import ArtifactFacts

SHORT_DIGEST_CHARS = 12


class Lineage(releases_lineage.Lineage):
    """All that something was made from. In a notebook: facts, a graph, and the artifacts as a table."""

    @classmethod
    def from_record(cls, record: releases_lineage.Lineage) -> Lineage:
        """The same lineage, with a representation for notebooks."""
        return cls(**vars(record))

    @property
    def chart(self) -> Pictures:
        """The artifacts, each below those it was made from."""
        known = {artifact.id for artifact in self.artifacts}
        facts = [
            ArtifactFacts(a.id, a.type, "", a.node, a.run, a.uri, tuple(p for p in a.parents if p in known), a.digest)
            for a in self.artifacts
        ]
        run = self.artifacts[0].run if self.artifacts else ""
        return Pictures([Picture(f"Lineage of {self.subject}", lineage_chart(facts, run))])

    @property
    def facts(self) -> dict[str, str]:
        """What the run of the lineage recorded, as people read it: rows, commit, user, lock, champion."""
        rows = self.rows
        found = {
            "rows": f"{rows.read:,} read, {rows.used:,} used" if rows else "",
            "commit": str(self.about.get("commit", "")),
            "user": str(self.about.get("started_by", "")),
            "lock": self.lock[:SHORT_DIGEST_CHARS],
            "champion": f"artifact {self.champion}" if self.champion else "none",
        }
        return {name: value for name, value in found.items() if value}

    def __repr__(self) -> str:
        return f"<Lineage of {self.subject}: {len(self.artifacts)} artifacts>"

    def _repr_html_(self) -> str:
        artifacts = [
            (str(a.id), a.type, a.node, a.run, a.digest[:SHORT_DIGEST_CHARS], "collected" if a.collected else a.uri)
            for a in self.artifacts
        ]
        columns = ("artifact", "type", "step", "run", "digest", "location")
        facts = html_table((self.subject, ""), self.facts.items())
        return f"{facts}{self.chart._repr_html_()}{html_table(columns, artifacts)}"
