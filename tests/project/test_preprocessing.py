"""preprocessing_fn on three rows: two with every column, one with nothing but what the schema requires."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from flightline.config.feature_plan import FeaturePlan
from flightline.config.feature_planning import plan_features
from flightline.config.schema_file import read_schema
from flightline.config.settings import Config
from models.preprocessing import preprocessing_fn

IN_THIS_PROCESS = ["--runner=FnApiRunner", "--direct_running_mode=in_memory"]


@pytest.fixture(scope="module")
def plan(load) -> FeaturePlan:
    config: Config = load()
    return plan_features(read_schema(config.schema_file), config.label, config.features, config.target)


@pytest.fixture(scope="module")
def transformed(load, plan: FeaturePlan, tmp_path_factory: pytest.TempPathFactory) -> dict[str, np.ndarray]:
    """The three rows after Transform: column → values."""
    config: Config = load()
    schema = read_schema(config.schema_file)
    rows = [example_row(schema, config, number) for number in range(3)]
    folder: Path = tmp_path_factory.mktemp("transform")
    with (
        beam.Pipeline(options=PipelineOptions(IN_THIS_PROCESS)) as pipeline,
        tft_beam.Context(temp_dir=str(folder / "temporary")),
    ):
        data = pipeline | beam.Create(rows), dataset_metadata.DatasetMetadata(schema)
        transform_fn = data | tft_beam.AnalyzeDataset(
            lambda inputs: preprocessing_fn(inputs, {"label": config.label, "features": plan.model_dump(mode="json")})
        )
        transform_fn | tft_beam.WriteTransformFn(str(folder / "graph"))
    spec = schema_utils.schema_as_feature_spec(schema).feature_spec
    raw = tf.io.parse_example([encode(schema, row) for row in rows], spec)
    graph = tft.TFTransformOutput(str(folder / "graph"))
    return {name: values.numpy() for name, values in graph.transform_raw_features(raw).items()}


def encode(schema: schema_pb2.Schema, row: dict[str, list[Any]]) -> bytes:
    """The row as a serialized tf.Example."""
    example = tf.train.Example()
    for feature in schema.feature:
        values = example.features.feature[feature.name]
        match feature.type:
            case schema_pb2.BYTES:
                values.bytes_list.value.extend(row[feature.name])
            case schema_pb2.INT:
                values.int64_list.value.extend(row[feature.name])
            case _:
                values.float_list.value.extend(row[feature.name])
    return example.SerializeToString()


def example_row(schema: schema_pb2.Schema, config: Config, number: int) -> dict[str, list[Any]]:
    """A row that the schema allows; the third lacks every column that may be missing, except the label."""
    required = schema_utils.schema_as_feature_spec(schema).feature_spec
    row = {}
    for feature in schema.feature:
        if number < 2 or feature.name == config.label or is_dense(required[feature.name]):
            row[feature.name] = [example_value(schema, feature, number)]
        else:
            row[feature.name] = []
    return row


def is_dense(spec: Any) -> bool:
    return hasattr(spec, "shape")


def example_value(schema: schema_pb2.Schema, feature: schema_pb2.Feature, number: int) -> Any:
    """A value within the domain of a column; another one in each of the first rows, where the domain has several."""
    domains = {domain.name: list(domain.value) for domain in schema.string_domain}
    if feature.type == schema_pb2.BYTES:
        values = domains.get(feature.domain) or list(feature.string_domain.value) or [f"value {number}"]
        return values[number % len(values)].encode()
    if feature.type == schema_pb2.INT:
        low, high = feature.int_domain.min, feature.int_domain.max
        return min(low + number, high) if high > low else low + number
    low, high = feature.float_domain.min, feature.float_domain.max
    return low + number * (high - low) / 4 if high > low else low + float(number)


def test_every_row_gets_every_feature_and_the_label(transformed, plan):
    names = {plan.transformed_label, *(number.transformed for number in plan.numbers)}
    names |= {category.transformed for category in plan.categories}
    assert names <= transformed.keys()
    assert {len(transformed[name]) for name in names} == {3}


def test_categories_become_ids(transformed, plan):
    for category in plan.categories:
        ids = transformed[category.transformed]
        assert np.issubdtype(ids.dtype, np.integer)
        assert (ids >= 0).all()


def test_the_label_becomes_a_number(transformed, plan):
    assert np.isfinite(transformed[plan.transformed_label]).all()
