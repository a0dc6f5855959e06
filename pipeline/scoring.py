"""The scoring DAG: predictions of a released model for files without labels."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tfx import v1 as tfx

from flightline.components.arrow_example_gen import ArrowExampleGen
from flightline.components.prediction_writer import PredictionWriter
from flightline.components.scoring_job import ScoringJob
from flightline.config.schema_file import read_feature_types
from flightline.config.settings import Config
from flightline.engines.arguments import beam_arguments
from flightline.metadata.run_ids import SCORING_SUFFIX
from flightline.metadata.store import connection_config
from flightline.utils.hashing import code_digest
from flightline.utils.storage import absolute_location


def create_pipeline(config: Config, job: ScoringJob) -> tfx.dsl.Pipeline:
    """The DAG that scores `job` on the engine of the config."""
    base = os.path.commonpath([path.resolve().parent for path in job.files])
    example_gen = ArrowExampleGen(
        input_base=base,
        column_types=read_feature_types(config.schema_file),
        missing_values=config.data.missing_values,
        block_bytes=config.data.block_mb << 20,
        inputs=job.released.inputs,
        row_ids=True,
        input_config=_input_config(job.files, base),
        custom_fields={"code_digest": code_digest("flightline.components.arrow_example_gen")},
    ).with_id("ExampleGen")

    # Found in ML Metadata by its URI, so that the lineage leads to the run that trained it.
    model = tfx.dsl.Importer(
        source_uri=job.released.artifact.uri, artifact_type=tfx.types.standard_artifacts.Model, output_key="model"
    ).with_id("Model")

    inferrer = tfx.components.BulkInferrer(
        examples=example_gen.outputs["examples"],
        model=model.outputs["model"],
        model_spec=tfx.proto.ModelSpec(model_signature_name=["serving_default"]),
    )
    writer = PredictionWriter(
        inference_result=inferrer.outputs["inference_result"],
        examples=example_gen.outputs["examples"],
        output=absolute_location(str(job.output)),
        version=job.released.version,
        scored_at=job.scored_at,
        threshold=config.serving.threshold,
        target=job.released.target,
        id_columns=config.scoring.id_columns,
        code_digest=code_digest("flightline.components.prediction_writer"),
    )
    nodes: list[Any] = [example_gen, model, inferrer, writer]
    return tfx.dsl.Pipeline(
        pipeline_name=f"{config.name}{SCORING_SUFFIX}",
        pipeline_root=absolute_location(config.artifacts),
        components=nodes,
        enable_cache=False,  # predictions are always written to the requested folder
        metadata_connection_config=connection_config(config),
        beam_pipeline_args=beam_arguments(config),
    )


def _input_config(files: Sequence[Path], base: str) -> tfx.proto.Input:
    splits = [
        tfx.proto.Input.Split(name=f"file-{number:05d}", pattern=glob.escape(str(path.resolve().relative_to(base))))
        for number, path in enumerate(files, 1)
    ]
    return tfx.proto.Input(splits=splits)
