import csv
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.config.settings import Config
from flightline.executors.example_gen.column_types import infer_kind
from flightline.init.config_text import render_config
from flightline.init.domains import NumericRange, ValueSet, min_presence, propose_domain
from flightline.init.profile import profile_table
from flightline.init.schema_text import render_schema
from flightline.utils.safe_yaml import parse_yaml

NAMES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\0"), min_size=1, max_size=12),
    min_size=3,
    max_size=6,
    unique=True,
)
VALUES = st.sampled_from(['"', "a\nb", "#", "': {", "\x85", "\u2028", "\x07", "yes", "~", "😀"])


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.filter_too_much])
@given(NAMES, st.lists(VALUES, min_size=2, max_size=4, unique=True))
def test_config_and_schema_of_any_names_and_values_can_be_parsed(names, values):
    assume(all(name.strip() for name in names) and not names[0].startswith("\ufeff"))
    assume(infer_kind(pa.array([name.encode() for name in names], pa.binary())) == "bytes")  # else not a header
    rows = 90
    random = np.random.default_rng(0)
    columns = {name: [values[place] for place in random.integers(0, len(values), rows)] for name in names[:-1]} | {
        names[-1]: [row % 2 for row in range(rows)]
    }
    with TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, quoting=csv.QUOTE_ALL).writerows([list(columns), *zip(*columns.values(), strict=True)])
        found = profile_table([str(path)], names[-1], include=names[:-1])
    config = Config.model_validate(parse_yaml(render_config(found, "t", (folder, "t.csv"))))
    schema = text_format.Parse(render_schema(found, "t"), schema_pb2.Schema())
    assert config.label == names[-1]
    assert {feature.name for feature in schema.feature} == set(names)
    for domain in schema.string_domain:
        assert set(domain.value) == set(columns[domain.name])


@pytest.mark.parametrize("rows", [90, 900, 9_000])
@pytest.mark.parametrize("codes", [1, 5, 100])
@pytest.mark.parametrize("strong", [False, True])
def test_configs_for_tables_of_any_size_are_valid(profile, rows, codes, strong):
    random = np.random.default_rng(0)
    columns = {"amount": random.normal(size=rows).round(6), "code": random.integers(0, codes, rows) * 1_000}
    if strong:
        columns["strong"] = np.arange(rows) % 2 + random.normal(size=rows).round(6) / 3
    found = profile(columns | {"y": np.arange(rows) % 2})
    config = Config.model_validate(parse_yaml(render_config(found, "t", ("data", "t.csv"))))
    assert config.train.epochs == (10 if rows == 9_000 else 30)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20, unique=True))
def test_a_range_contains_all_observed_values(numbers):
    from flightline.init.table_reader import Column

    distinct, codes = np.unique(np.array(numbers), return_inverse=True)
    found = propose_domain(Column("x", "float", distinct, codes))
    if found is not None:
        assert isinstance(found, NumericRange)
        assert found.low <= distinct[0]
        assert found.high >= distinct[-1]


def test_a_flag_has_the_domain_0_to_1(profile):
    flags = [row % 3 // 2 for row in range(300)]
    columns = {one.name: one.column for one in profile({"flag": flags, "y": [row % 2 for row in range(300)]}).features}
    assert propose_domain(columns["flag"]) == NumericRange(0.0, 1.0)


def test_only_frequent_values_make_a_closed_domain(profile):
    label = [row % 2 for row in range(300)]
    closed = ["abc"[row % 3] for row in range(300)]
    rare = [*closed[:-1], "z"]
    columns = {one.name: one.column for one in profile({"closed": closed, "rare": rare, "y": label}).features}
    assert propose_domain(columns["closed"]) == ValueSet(("a", "b", "c"), closed=True)
    assert propose_domain(columns["rare"]) == ValueSet(("a", "b", "c", "z"), closed=False)


def test_the_minimum_presence_has_a_margin(profile):
    half = [row if row % 2 else None for row in range(300)]
    columns = {one.name: one.column for one in profile({"x": half, "y": [row % 3 % 2 for row in range(300)]}).features}
    assert 0.2 < min_presence(columns["x"]) < 0.45


def test_only_used_columns_have_a_drift_comparator(profile):
    random = np.random.default_rng(0)
    rows = 600
    columns = {
        "id": [f"id-{row}" for row in range(rows)],
        "size": random.normal(size=rows).round(4),
        "colour": random.choice(["red", "blue"], rows),
        "y": random.integers(0, 2, rows),
    }
    schema = text_format.Parse(render_schema(profile(columns), "t"), schema_pb2.Schema())
    watched = {one.name: one.drift_comparator for one in schema.feature if one.HasField("drift_comparator")}
    assert watched.keys() == {"size", "colour"}
    assert watched["size"].jensen_shannon_divergence.threshold >= 0.1
    assert watched["colour"].infinity_norm.threshold >= 0.05
