"""The anomalies that ExampleValidator found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tensorflow_metadata.proto.v0 import anomalies_pb2

from flightline.api.html import html_table


@dataclass(frozen=True)
class Anomaly:
    """A difference between the data of a split and the curated schema."""

    split: str
    feature: str
    problem: str
    description: str


class Anomalies(Sequence[Anomaly]):
    """The anomalies of all splits. In a notebook: a table.

    Attributes:
        protos: TFDV's `Anomalies` by split.
    """

    def __init__(self, protos: Mapping[str, anomalies_pb2.Anomalies]) -> None:
        self.protos = dict(protos)
        self._found = [
            Anomaly(split, feature, info.short_description, info.description)
            for split, proto in self.protos.items()
            for feature, info in sorted(proto.anomaly_info.items())
        ]

    def __getitem__(self, position):  # type: ignore[no-untyped-def]  # as a list's: an int or a slice
        return self._found[position]

    def __len__(self) -> int:
        return len(self._found)

    def __iter__(self) -> Iterator[Anomaly]:
        return iter(self._found)

    def __repr__(self) -> str:
        noun = "anomaly" if len(self) == 1 else "anomalies"
        return f"<{len(self)} {noun} in {', '.join(self.protos) or 'no split'}>"

    def _repr_html_(self) -> str:
        if not self._found:
            return f"<p>no anomalies in {len(self.protos)} splits</p>"
        rows = [(one.split, one.feature, one.problem, one.description) for one in self._found]
        return str(html_table(("split", "feature", "problem", "description"), rows))
