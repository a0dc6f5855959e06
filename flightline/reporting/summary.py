"""The result of a run, as plain data: shown on the screen, stored as `summary.json` in the run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from flightline.errors import InputError
from flightline.executors.data_gate.findings import FeatureDrift, Finding
from flightline.metadata.evaluation import Evaluation
from flightline.metadata.row_accounting import RowAccounting
from flightline.metadata.tuning import TuningResult
from flightline.utils.files import atomic_write

SUMMARY_JSON = "summary.json"  # in the run's folder


@dataclass(frozen=True)
class SpanSummary:
    """What the run did with its span, where data arrives span by span.

    Attributes:
        span: the span's number.
        name: the span as people call it, with its version.
        window: names of the spans that the model was trained on; empty where none was.
        note: why nothing was trained; empty where a model was to be trained.
    """

    span: int
    name: str
    window: list[str]
    note: str


@dataclass(frozen=True)
class Summary:
    """The result of a run.

    Attributes:
        run_id, pipeline: the run, and the pipeline that it belongs to.
        exit_code, failure: 0 and an empty text where the run succeeded; else the exit code and the reason.
        steps: node → state in ML Metadata (`NOT RUN` where it has none), in the order of the DAG.
        rows: row accounting of the input; None where the run ended before it.
        rejected_file: path of the rejected rows; None where there are none.
        findings: the data gate's findings.
        evaluation: the Evaluator's results; None where the run ended before it.
        release: folder of the release that this run made, or that an earlier run made and the cache returned.
        span: what the run did with its span; None where data does not arrive span by span.
        drift: each feature's distance to the previous accepted span, the one nearest to its threshold first.
        search: the hyperparameter search; None where the config has none.
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
    def from_dict(cls, data: dict[str, Any]) -> Summary:
        """The inverse of `to_dict`. Raises KeyError or TypeError where `data` is something else."""
        return cls(
            **{
                **data,
                "rows": RowAccounting(**data["rows"]) if data["rows"] else None,
                "findings": [Finding(**finding) for finding in data["findings"]],
                "evaluation": Evaluation.from_dict(data["evaluation"]) if data["evaluation"] else None,
                "drift": [FeatureDrift(**drift) for drift in data["drift"]],
                "search": TuningResult.from_dict(data["search"]) if data["search"] else None,
                "span": SpanSummary(**data["span"]) if data["span"] else None,
            }
        )

    def write(self, folder: Path) -> None:
        """Writes `summary.json` into the run's folder, atomically."""
        atomic_write(folder / SUMMARY_JSON, json.dumps(self.to_dict(), indent=2) + "\n")

    @classmethod
    def read(cls, folder: Path) -> Summary | None:
        """The summary in a run's folder; None where there is none: the run is still going on, or was killed.

        Raises:
            InputError: the file cannot be read, or is not a summary.
        """
        file = folder / SUMMARY_JSON
        try:
            return cls.from_dict(json.loads(file.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error}", "fix its permissions") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problem = f"{type(error).__name__}: {error}"
            raise InputError(f"{file} is not a run's summary: {problem}", "run again, or restore the file") from error

    @classmethod
    def read_if_valid(cls, folder: Path) -> Summary | None:
        """As `read`, and None where the file is damaged: for pages and lists that show many runs."""
        try:
            return cls.read(folder)
        except InputError:
            return None
