"""What a run came to, as plain data: shown on the screen, kept as `summary.json`, read by `flightline show`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from flightline.executors.data_gate.findings import FeatureDrift, Finding
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.row_accounting import RowAccounting
from flightline.metadata.tuning import TuningResult

SUMMARY_JSON = "summary.json"  # its file, in the folder of the run


@dataclass(frozen=True)
class SpanSummary:
    """What the run did with its span, where spans come in one by one.

    Attributes:
        span: its number; name: as people call it, with its version.
        window: names of the spans that the model was trained on; empty where none was.
        note: why nothing was trained; empty where something was to be.
    """

    span: int
    name: str
    window: list[str]
    note: str


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes:
        run_id, pipeline: which run of what.
        exit_code, failure: 0 and nothing where it is done; else the code and the sentence it ended with.
        steps: node → state in ML Metadata (`NOT RUN` where it has none), in the order of the DAG.
        rows: where the input's rows went; None where the run did not get that far.
        rejected_file: the rows that were set aside, a path; None where there are none.
        findings: what the data gate found.
        evaluation: what the Evaluator measured; None where the run did not get that far.
        release: the folder of the release that this run made, or had made before and took from the cache.
        span: what it did with its span; None where spans do not come in one by one.
        search: for better settings, what it came to; None where the config asks for none.
        drift: how far the span is from the accepted one before, the feature nearest to its threshold first.
    """

    run_id: str
    pipeline: str
    exit_code: int
    failure: str
    steps: dict[str, str]
    rows: RowAccounting | None
    rejected_file: str | None
    findings: list[Finding]
    evaluation: Evaluation | None
    release: str | None
    span: SpanSummary | None = None
    drift: list[FeatureDrift] = field(default_factory=list)
    search: TuningResult | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back to an equal summary."""
        return {**asdict(self), "evaluation": self.evaluation.to_dict() if self.evaluation else None}

    @classmethod
    def from_dict(cls, kept: dict[str, Any]) -> Summary:
        """Raises KeyError or TypeError where `kept` is not what `to_dict` gave."""
        return cls(
            **{
                **kept,
                "rows": RowAccounting(**kept["rows"]) if kept["rows"] else None,
                "findings": [Finding(**entry) for entry in kept["findings"]],
                "evaluation": Evaluation.from_dict(kept["evaluation"]) if kept["evaluation"] else None,
                "drift": [FeatureDrift(**entry) for entry in kept.get("drift", [])],
                "search": TuningResult.from_dict(kept["search"]) if kept.get("search") else None,
                "span": SpanSummary(**kept["span"]) if kept.get("span") else None,
            }
        )
