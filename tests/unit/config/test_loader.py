import gzip
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from flightline.config.loader import check_against_data, dump_config, input_files, load_config
from flightline.config.settings import Config
from flightline.errors import ConfigError, InputError

SCHEMA = """
feature { name: "a" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
feature { name: "b" type: BYTES }
feature { name: "f" type: FLOAT }
feature { name: "y" type: INT presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""


@pytest.fixture
def project(tmp_path):
    """A config that fits its data; returns its path."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.csv").write_text("a,b,y\n1,x,0\n")
    (tmp_path / "rows.pbtxt").write_text(SCHEMA)
    raw = {
        "name": "rows",
        "label": "y",
        "schema": str(tmp_path / "rows.pbtxt"),
        "data": {"input": str(tmp_path / "data")},
    }
    (tmp_path / "rows.yaml").write_text(yaml.safe_dump(raw))
    return tmp_path / "rows.yaml"


def test_the_configs_in_the_repository_are_valid():
    for path in Path("configs").glob("*.yaml"):
        assert load_config(path).name


def test_a_config_that_fits_its_data_is_accepted(project):
    assert [file.name for file in check_against_data(load_config(project))] == ["rows.csv"]


def test_a_config_is_frozen(project):
    with pytest.raises(ValidationError):
        load_config(project).name = "other"


def test_overrides_apply_in_order_and_reach_any_depth(project):
    config = load_config(project, ["train.epochs=3", "train.epochs=5", "data.splits={train: 4, eval: 1}"])
    assert config.train.epochs == 5
    assert config.data.splits == {"train": 4, "eval": 1}


def test_a_dumped_config_is_loaded_equal(project, tmp_path):
    config = load_config(project, ["evaluation.thresholds={AUC: {lower: 0.9, vs_champion: 0}}"])
    (tmp_path / "kept.yaml").write_text(dump_config(config))
    assert load_config(tmp_path / "kept.yaml") == config


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("train.epoch=3", "unknown key train.epoch: did you mean epochs?"),
        ("trian.epochs=3", "unknown key trian: did you mean train"),
        ("evaluation.per_slice=[{slise: [a], thresholds: {AUC: {lower: 1}}}]", "did you mean slice?"),
        ("train.epochs=many", "train.epochs: input should be a valid integer"),
        ("train.epochs=0", "train.epochs: input should be greater than or equal to 1"),
        ("evaluation.thresholds={AUK: {lower: 1}}", "did you mean AUC?"),
        ("gate.max_rejected={unparseable: 0.1}", "`unparsable` or `missing_label`"),
        ("data.splits={train: 1}", "splits are `train` and `eval`"),
        ("name=A b", "name: string should match pattern"),
        ("data.span=3", "no {SPAN}"),
        ("evaluation.slices=[[y]]", "the label `y` cannot be a slice"),
        ("evaluation.gaps={AUC: {columns: y, max_gap: 0.1}}", "the label `y` cannot be a slice"),
        ("evaluation.gaps={auc: {columns: a, max_gap: 0.1}}", "there is no gap in 'auc': did you mean AUC?"),
        ("evaluation.gaps={ExampleCount: {columns: a, max_gap: 9}}", "there is no gap in 'ExampleCount'"),
        ("evaluation.gaps={AUC: {columns: a, max_gpa: 0.1}}", "did you mean max_gap?"),
        ("evaluation.gaps={AUC: {columns: a}}", "evaluation.gaps.AUC.0.max_gap is missing"),
        ("evaluation.bins={a: [1, 2]}", "bins: a is in no slice, per_slice or gap"),
        ("evaluation={bins: {a: [2, 1]}, slices: [[a]]}", "edges must be finite and ascend"),
        ("evaluation={bins: {a: []}, slices: [[a]]}", "at least 1 item"),
        ("evaluation={bins: {a: {quantiles: 4, edges: [1]}}, slices: [[a]]}", "bins are a list of edges, or"),
        ("evaluation={bins: {a: {quantile: 4}}, slices: [[a]]}", "did you mean quantiles?"),
        ("label.x=1", "label is a value, not a section"),
        ("label", "not of the form a.b=value"),
        ("label={", "not YAML"),
        ("label=null", "label: input should be a valid string"),
    ],
)
def test_an_invalid_key_or_value_is_named_by_its_path(project, override, message):
    with pytest.raises(ConfigError) as caught:
        load_config(project, [override])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("label=z", "label: z is not in the header of"),
        ("evaluation.slices=[[bb]]", "evaluation: slice: bb is not in the schema"),
        ("evaluation.per_slice=[{slice: [c], thresholds: {AUC: {lower: 1}}}]", "slice: c is not in the schema"),
        ("evaluation.gaps={AUC: {columns: [b, bb], max_gap: 0.1}}", "evaluation: slice: bb is not in the schema"),
        ("evaluation={bins: {b: [1, 2]}, slices: [[b]]}", "evaluation.bins: b is text in the schema"),
        ("evaluation.slices=[[f]]", "slice: f is FLOAT in the schema"),
        ("features.exclude=[aa]", "features.exclude names 'aa'"),
        ("schema=nowhere.pbtxt", "there is no file nowhere.pbtxt"),
        ("data.input=nowhere", "no file matches *.csv below nowhere"),
    ],
)
def test_a_config_that_does_not_fit_the_schema_or_the_data_is_refused(project, override, message):
    with pytest.raises((ConfigError, InputError)) as caught:
        check_against_data(load_config(project, [override]))
    assert message in str(caught.value)


def test_a_label_missing_in_the_schema_is_refused(project):
    (project.parent / "rows.pbtxt").write_text('feature { name: "a" type: INT }')
    with pytest.raises(ConfigError, match=r"label: y is not in the schema"):
        check_against_data(load_config(project))


@pytest.mark.parametrize("content", ["feature {", "feature { nme: 1 }", 'feature { name: "a" type: STRUCT }'])
def test_an_invalid_schema_is_refused(project, content):
    (project.parent / "rows.pbtxt").write_text(content)
    with pytest.raises(ConfigError, match=r"rows\.pbtxt"):
        check_against_data(load_config(project))


def test_headers_of_compressed_files_are_read_and_corrupt_ones_refused(project):
    rows = project.parent / "data" / "rows.csv"
    with gzip.open(rows.with_suffix(".csv.gz"), "wt") as file:
        file.write(rows.read_text())
    config = load_config(project, ["data.pattern=*.csv.gz"])
    assert len(check_against_data(config)) == 1
    rows.with_suffix(".csv.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match="no readable header"):
        check_against_data(config)


def test_invalid_utf_8_is_accepted_in_rows_and_refused_in_the_header(project):
    (project.parent / "data" / "rows.csv").write_bytes(b"a,b,y\n1,caf\xe9,0\n")
    assert len(check_against_data(load_config(project))) == 1
    (project.parent / "data" / "rows.csv").write_bytes(b"a,caf\xe9,y\n")
    with pytest.raises(InputError, match="no readable header"):
        check_against_data(load_config(project))


@pytest.mark.parametrize("content", ["- a\n- b\n", "a: [", "\x00"])
def test_a_file_that_is_no_config_is_refused(tmp_path, content):
    (tmp_path / "bad.yaml").write_text(content)
    with pytest.raises(ConfigError, match=r"bad\.yaml"):
        load_config(tmp_path / "bad.yaml")


def test_the_error_about_a_missing_config_suggests_an_existing_one(project):
    with pytest.raises(ConfigError, match=r"did you mean .*rows\.yaml"):
        load_config(project.with_name("row.yaml"))


@given(span=st.integers(0, 999), width=st.integers(1, 4))
def test_the_glob_contains_the_span_in_the_width_of_the_pattern(span, width):
    data = {"input": "data", "pattern": f"s-{{SPAN:{width}}}/v{{VERSION}}/*.csv", "span": span}
    config = Config.model_validate({"name": "n", "label": "y", "schema": "s", "data": data})
    assert config.data.glob == f"s-{span:0{width}d}/v*/*.csv"


def test_folders_are_not_input_files(project):
    (project.parent / "data" / "folder.csv").mkdir()
    assert [file.name for file in input_files(load_config(project))] == ["rows.csv"]
