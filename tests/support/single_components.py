"""Runs single components' executors on small real data, without an orchestrator."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA = ROOT / "schema" / "flights.pbtxt"


class ComponentRunner:
    """Runs executors one after another; their artifacts live below one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def artifact(self, kind: Any) -> Any:
        """A new artifact with an id and a folder of its own."""
        self.count += 1
        made = kind()
        made.id = self.count
        made.uri = str(self.folder / f"{kind.TYPE_NAME}-{self.count}")
        Path(made.uri).mkdir(parents=True)
        return made

    def execute(self, executor: Any, inputs: dict[str, Any], outputs: dict[str, Any], **properties: Any) -> Any:
        """What `Do` returns; inputs and outputs are one artifact a key."""
        from tfx.dsl.components.base import base_beam_executor, base_executor

        from flightline.engines.arguments import LOCAL_ARGUMENTS

        kind = (
            base_beam_executor.BaseBeamExecutor if issubclass(executor, base_beam_executor.BaseBeamExecutor) else None
        )
        context = (kind or base_executor.BaseExecutor).Context(
            **({"beam_pipeline_args": list(LOCAL_ARGUMENTS)} if kind else {}),
            tmp_dir=str(self.folder / "tmp"),
            unique_id=str(self.count),
        )
        return executor(context).Do(
            {key: [value] for key, value in inputs.items()},
            {key: [value] for key, value in outputs.items()},
            properties,
        )

    def schema(self, file: Path = SCHEMA) -> Any:
        from tfx.types import standard_artifacts

        schema = self.artifact(standard_artifacts.Schema)
        (Path(schema.uri) / "schema.pbtxt").write_text(file.read_text())
        return schema

    def examples(self, data: Path) -> Any:
        """The CSV files below `data` as Examples, typed by the flights' schema."""
        from tfx.types import artifact_utils, standard_artifacts

        from flightline.config.schema_file import read_feature_types
        from flightline.executors.example_gen.ingestion import HashSplit, IngestOptions, InputSplit, ingest

        examples = self.artifact(standard_artifacts.Examples)
        files = [str(file) for file in sorted(data.glob("**/*.csv"))]
        options = IngestOptions(label="late", column_types=read_feature_types(SCHEMA))
        counts = ingest([InputSplit("all", files)], examples.uri, options, HashSplit({"train": 2, "eval": 1}))
        examples.split_names = artifact_utils.encode_split_names(["train", "eval"])
        for name, rows in counts.properties().items():
            examples.set_int_custom_property(name, rows)
        return examples

    def validate(self, examples: Any, schema: Any) -> tuple[Any, Any]:
        """Statistics and anomalies of the examples, by stock StatisticsGen and ExampleValidator."""
        from tfx.components.example_validator import executor as example_validator
        from tfx.components.statistics_gen import executor as statistics_gen
        from tfx.types import standard_artifacts

        statistics = self.artifact(standard_artifacts.ExampleStatistics)
        self.execute(statistics_gen.Executor, {"examples": examples}, {"statistics": statistics}, exclude_splits="[]")
        anomalies = self.artifact(standard_artifacts.ExampleAnomalies)
        self.execute(
            example_validator.Executor,
            {"statistics": statistics, "schema": schema},
            {"anomalies": anomalies},
            exclude_splits=json.dumps([]),
        )
        return statistics, anomalies
