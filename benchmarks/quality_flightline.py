"""Flightline's default model: the proposal of `flightline init`, run by the steps of the pipeline."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import tensorflow as tf
from google.protobuf import text_format
from quality_baselines import label_classes
from quality_tables import Table
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.beam.analyzer_cache import DatasetKey
from tfx_bsl.public.tfxio import TFExampleRecord

from flightline.config.feature_plan import FeaturePlan
from flightline.config.feature_planning import plan_features
from flightline.config.loader import load_config
from flightline.config.schema_file import read_feature_types, read_schema
from flightline.config.settings import Config
from flightline.executors.example_gen.ingestion import IngestOptions, InputSplit, ingest
from flightline.executors.transform.engine import run_transform
from flightline.executors.transform.job import SplitSource, TransformJob
from flightline.init.config_text import render_config
from flightline.init.profile import profile_table
from flightline.init.schema_text import render_schema
from flightline.modeling.export import SERVING_SIGNATURE
from flightline.utils.safe_yaml import parse_yaml
from models.preprocessing import preprocessing_fn
from models.trainer import run_fn

_BATCH_SIZE = 16384


def predict_flightline(table: Table, train: pd.DataFrame, test: pd.DataFrame, seed: int) -> np.ndarray:
    """The SavedModel's predictions for `test`: probabilities of the second class, classes, or numeric values.

    Rows are text, as in a file: pandas turns integers of a column with gaps into floats. `init` reads the whole file,
    as for a user: it then knows which columns can be empty, and looks for leaks in all rows.
    """
    with tempfile.TemporaryDirectory(prefix="quality-") as name:
        folder = Path(name)
        config, schema = _propose_config(table, pd.concat([train, test]), folder)
        plan = plan_features(schema, config.label, config.features, config.target)
        _ingest(config, train, test, folder)
        _transform(plan, schema, folder)
        _train(config, plan, seed, folder)
        predictions = _predict(folder)
    if table.task == "multiclass":
        return np.array([str(plan.target.classes[place]) for place in predictions.argmax(axis=1)])
    return predictions[:, 0]


def _propose_config(table: Table, rows: pd.DataFrame, folder: Path) -> tuple[Config, schema_pb2.Schema]:
    """The proposal of `flightline init` for the rows, or the table's own config."""
    if table.config:
        config = load_config(Path(table.config))
        (folder / "schema.pbtxt").write_text(config.schema_file.read_text())
        return config, read_schema(config.schema_file)
    path = folder / "rows.csv"
    rows.to_csv(path, index=False)
    positive = label_classes(table, rows)[1] if table.task == "binary" else None
    found = profile_table([str(path)], table.label, table.task, positive, [])
    (folder / "schema.pbtxt").write_text(render_schema(found, "quality"))
    text = render_config(found, "quality", (str(folder), "*.csv"))
    return Config.model_validate(parse_yaml(text)), text_format.Parse(
        render_schema(found, "quality"), schema_pb2.Schema()
    )


def _ingest(config: Config, train: pd.DataFrame, test: pd.DataFrame, folder: Path) -> None:
    splits = []
    for name, rows in (("train", train), ("eval", test)):
        (folder / f"{name}.csv").write_text(rows.to_csv(index=False))
        splits.append(InputSplit(name, [str(folder / f"{name}.csv")]))
    options = IngestOptions(None, read_feature_types(folder / "schema.pbtxt"), config.data.missing_values)
    counts = ingest(splits, str(folder / "examples"), options)
    if counts.rejected.total():
        raise RuntimeError(f"rows were rejected: {counts}")


def _transform(plan: FeaturePlan, schema: schema_pb2.Schema, folder: Path) -> None:
    for subfolder in ("graph", "scratch", "transformed"):
        (folder / subfolder).mkdir()
    pattern = str(folder / "examples" / "Split-train" / "*")
    key = DatasetKey("train")
    run_transform(
        TransformJob(
            preprocessing_fn=partial(preprocessing_fn, custom_config={"features": plan.model_dump(mode="json")}),
            schema=schema,
            specs=TFExampleRecord(pattern, schema=schema).TensorAdapter().OriginalTypeSpecs(),
            analyze_splits=[SplitSource(key, pattern)],
            transform_splits=[SplitSource(key, pattern, str(folder / "transformed" / "train"))],
            output_dir=str(folder / "graph"),
            temp_dir=str(folder / "scratch"),
        )
    )


def _train(config: Config, plan: FeaturePlan, seed: int, folder: Path) -> None:
    run_fn(
        SimpleNamespace(
            train_files=[str(folder / "transformed" / "train*")],
            transform_output=str(folder / "graph"),
            serving_model_dir=str(folder / "model"),
            model_run_dir=str(folder / "record"),
            custom_config={
                "features": plan.model_dump(mode="json"),
                "model": config.model.model_dump(mode="json"),
                "train": config.train.model_dump(mode="json") | {"seed": seed},
            },
        )
    )


def _predict(folder: Path) -> np.ndarray:
    files = sorted(str(path) for path in (folder / "examples" / "Split-eval").iterdir())
    examples = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
    model = tf.saved_model.load(str(folder / "model"))
    serve = model.signatures[SERVING_SIGNATURE]
    parts = [serve(tf.constant(examples[at : at + _BATCH_SIZE])) for at in range(0, len(examples), _BATCH_SIZE)]
    return np.concatenate([next(iter(part.values())).numpy() for part in parts])
