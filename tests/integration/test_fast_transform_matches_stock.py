"""The fast Transform executor next to the stock one, on the same examples."""

import functools
from importlib.metadata import version

import numpy as np
import pytest
import tensorflow as tf
from absl import logging
from google.protobuf import json_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2
from tensorflow_transform.beam import analyzer_cache, deep_copy
from tfx.components.transform import executor as stock
from transform_runs import ROWS, execute, make_inputs

from flightline.components.fast_transform import FastTransformExecutor
from flightline.executors import progress
from flightline.executors.transform import analysis


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return make_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(scope="module")
def run(inputs, tmp_path_factory):
    """Runs an executor into a new folder. On the fast one, going back to stock is a failure."""

    def go(executor_class, function, **options):
        with pytest.MonkeyPatch.context() as patch:
            if executor_class is FastTransformExecutor:
                patch.setattr(stock.TransformProcessor, "_RunBeamImpl", _refuse)
            return execute(executor_class, inputs, tmp_path_factory.mktemp(str(function)), function, **options)

    return go


class FellBackToStockError(Exception):
    """In place of stock's work."""


@functools.wraps(stock.TransformProcessor._RunBeamImpl)
def _refuse(*_args, **_kwargs):
    raise FellBackToStockError


@pytest.fixture(scope="module")
def both(run):
    return [run(kind, "everything", statistics=True, cache=True) for kind in (stock.Executor, FastTransformExecutor)]


def test_every_transformed_column_is_that_of_stock_row_for_row(both):
    for split, rows in (("train", 1300), ("eval", ROWS - 1300)):
        expected, ours = (run.rows(split) for run in both)
        assert ours.keys() == expected.keys()
        for name, column in expected.items():
            assert len(column) == rows
            if column.dtype.kind == "f":
                np.testing.assert_allclose(ours[name], column, rtol=1e-5, atol=1e-6, err_msg=name)
            else:
                np.testing.assert_array_equal(ours[name], column, err_msg=name)


def test_schemas_vocabularies_and_asset_map_are_those_of_stock(both):
    for pattern in ("transform_graph/metadata/*", "transform_graph/transformed_metadata/*"):
        assert both[1].files(pattern) == both[0].files(pattern)
    expected, ours = (run.files("transform_graph/transform_fn/assets/*") for run in both)
    weighted = "transform_graph/transform_fn/assets/weighted"
    assert expected.pop(weighted)
    assert ours.pop(weighted)
    assert ours == expected
    assert len(ours) == 4


def test_a_weighted_vocabulary_has_the_tokens_of_stock(both):
    expected, ours = (run.graph.vocabulary_by_name("weighted") for run in both)
    assert ours == expected


def test_constants_of_the_graph_are_those_of_stock(both):
    expected, ours = (_float_constants(run) for run in both)
    assert len(ours) == len(expected) > 10
    for mine, theirs in zip(ours, expected, strict=True):
        # A vector has a constant for each key: TFT computes variances per key as E[x^2] - E[x]^2 in float32.
        np.testing.assert_allclose(mine, theirs, rtol=1e-5 if np.ndim(mine) else 1e-6, atol=1e-6)


def _float_constants(run):
    function = tf.saved_model.load(str(run.root / "transform_graph" / "transform_fn")).transform_fn
    nodes = [op for op in function.graph.get_operations() if op.type == "Const" and op.get_attr("dtype") == tf.float32]
    captured = [tensor.numpy() for tensor in function.captured_inputs if tensor.dtype == tf.float32]
    return [tf.make_ndarray(op.get_attr("value")) for op in nodes] + captured


def test_artifacts_have_the_properties_of_stock(both):
    def properties(run):
        described = {
            name: json_format.MessageToDict(artifacts[0].mlmd_artifact) for name, artifacts in run.outputs.items()
        }
        for artifact in described.values():
            artifact.pop("uri")
            splits = artifact.get("properties", {}).get("split_names", {}).get("stringValue")
            if splits:  # stock lists them in the order of a set
                artifact["properties"]["split_names"] = sorted(splits)
        return described

    assert properties(both[1]) == properties(both[0])


def test_no_scratch_file_is_left(both):
    folders = [sorted(path.name for path in (run.root / "transform_graph").iterdir()) for run in both]
    assert folders[1] == folders[0] == ["metadata", "transform_fn", "transformed_metadata"]


@pytest.mark.parametrize("stage", ["pre_transform", "post_transform"])
def test_statistics_are_those_of_stock(both, stage):
    expected, ours = (_statistics(run, stage) for run in both)
    assert ours.keys() == expected.keys()
    for name, feature in expected.items():
        assert ours[name] == pytest.approx(feature, rel=1e-5, abs=1e-6), name
    assert both[1].files(f"{stage}_schema/*") == both[0].files(f"{stage}_schema/*")


def _statistics(run, stage):
    """Per feature the numbers that have one right value; sketches differ with the size of the batches."""
    (content,) = run.files(f"{stage}_stats/FeatureStats.pb").values()
    (dataset,) = statistics_pb2.DatasetFeatureStatisticsList.FromString(content).datasets
    found = {}
    for feature in dataset.features:
        numbers, strings = feature.num_stats, feature.string_stats
        common = numbers.common_stats if feature.HasField("num_stats") else strings.common_stats
        found[feature.path.step[0]] = [
            dataset.num_examples, common.num_non_missing, common.num_missing, common.tot_num_values, feature.type,
            numbers.mean, numbers.std_dev, numbers.min, numbers.max, numbers.num_zeros,
            strings.unique, strings.avg_length,
        ]  # fmt: skip
    return found


def test_anomalies_are_those_of_stock(both):
    expected, ours = (
        anomalies_pb2.Anomalies.FromString(run.bytes_of("post_transform_anomalies/SchemaDiff.pb")) for run in both
    )
    assert ours == expected


def test_the_analyzer_cache_has_the_entries_of_stock(both):
    expected, ours = (_cache_entries(run) for run in both)
    assert ours.keys() == expected.keys()


def _cache_entries(run):
    (folder,) = (run.root / "updated_analyzer_cache").iterdir()
    return {key: folder / str(index) for key, index in analyzer_cache._ManifestFile(str(folder)).read().items()}


def test_an_analyzer_cache_of_the_stock_executor_replaces_the_data(both, run, monkeypatch):
    readings = []
    original = analysis._apply_batches
    monkeypatch.setattr(analysis, "_apply_batches", lambda *args: readings.append(1) or original(*args))
    again = run(FastTransformExecutor, "everything", cache=True, cache_from=both[0])
    assert not readings
    assert again.files("transform_graph/transform_fn/assets/*") == both[0].files(
        "transform_graph/transform_fn/assets/*"
    )
    assert _cache_entries(again).keys() == _cache_entries(both[0]).keys()


def test_analyzers_over_analyzers(run, monkeypatch):
    # TFT copies Beam's graph for a second phase, which it can't with Beam 2.74: without the copy it only reads again.
    monkeypatch.setattr(deep_copy, "deep_copy", lambda collection: collection)
    expected, ours = (run(kind, "two_phases").rows("eval") for kind in (stock.Executor, FastTransformExecutor))
    for name, column in expected.items():
        np.testing.assert_allclose(ours[name], column, rtol=1e-5, atol=1e-6, err_msg=name)


def test_two_runs_give_the_same_bytes(run):
    first, second = (run(FastTransformExecutor, "small", cache=True) for _ in range(2))
    assert first.files("transformed_examples/**/*") == second.files("transformed_examples/**/*")
    varies = ("fingerprint.pb", "saved_model.pb")
    graphs = [
        {name: content for name, content in run.files("transform_graph/**/*").items() if not name.endswith(varies)}
        for run in (first, second)
    ]
    assert graphs[0] == graphs[1]
    assert first.files("updated_analyzer_cache/**/*").keys() == second.files("updated_analyzer_cache/**/*").keys()


def test_splits_are_analyzed_and_transformed_as_configured(run):
    config = '{"analyze": ["eval"], "transform": ["train"]}'
    result = run(FastTransformExecutor, "small", splits_config=config)
    assert [path.name for path in (result.root / "transformed_examples").iterdir()] == ["Split-train"]
    expected = run(FastTransformExecutor, "small", splits_config='{"analyze": ["eval"], "transform": ["eval"]}').rows(
        "eval"
    )
    assert abs(expected["z"].mean()) < 1e-5
    assert abs(result.rows("train")["z"].mean()) > 1e-3


def test_several_artifacts_are_analyzed_together(run):
    one, two = (run(FastTransformExecutor, "small", spans=spans) for spans in (1, 2))
    np.testing.assert_allclose(_float_constants(two), _float_constants(one), rtol=1e-6)
    shards = two.files("transformed_examples/**/*.gz")
    assert len(shards) == 4
    assert set(shards.values()) == set(one.files("transformed_examples/**/*.gz").values())


@pytest.fixture(scope="module")
def spans(inputs, tmp_path_factory):
    """Three spans, of different rows."""
    return [inputs, *(make_inputs(tmp_path_factory.mktemp("span"), seed) for seed in (8, 9))]


@pytest.mark.slow
def test_a_window_that_moves_on_analyzes_the_new_span_alone(run, spans, monkeypatch):
    """As continuous training does: three runs, each with the cache of the one before; the last as if it had none."""
    analyzed = []
    original = analysis._apply_batches

    def noted(apply, raw, sources):
        analyzed.extend(source.file_pattern for source in sources)
        return original(apply, raw, sources)

    monkeypatch.setattr(analysis, "_apply_batches", noted)
    warm = None
    for window, new in ((spans[:1], 0), (spans[:2], 1), (spans[1:], 2)):
        analyzed.clear()
        warm = run(FastTransformExecutor, "everything", window=window, cache=True, cache_from=warm)
        assert {str(spans[new]) in pattern for pattern in analyzed} == {True}
    cold = run(FastTransformExecutor, "everything", window=spans[1:], cache=True)
    expected = run(stock.Executor, "everything", window=spans[1:], cache=True)
    assert warm.files("transform_graph/transform_fn/assets/*") == cold.files("transform_graph/transform_fn/assets/*")
    assert warm.files("transformed_examples/**/*") == cold.files("transformed_examples/**/*")
    for mine, again, theirs in zip(*map(_float_constants, (warm, cold, expected)), strict=True):
        np.testing.assert_array_equal(mine, again)
        np.testing.assert_allclose(mine, theirs, rtol=1e-5, atol=1e-6)
    for name, column in expected.rows("eval").items():
        ours = warm.rows("eval")[name]
        assert len(ours) == 2 * (ROWS - 1300)
        if column.dtype.kind == "f":
            np.testing.assert_allclose(ours, column, rtol=1e-5, atol=1e-6, err_msg=name)
        else:
            np.testing.assert_array_equal(ours, column, err_msg=name)
    assert len(list((warm.root / "updated_analyzer_cache").iterdir())) == 2  # what left the window is dropped


def test_user_code_in_a_module_file(run, tmp_path):
    module = tmp_path / "user_module.py"
    module.write_text("from transform_functions import small as preprocessing_fn")
    result = run(FastTransformExecutor, None, module_file=str(module))
    assert result.rows("eval").keys() == {"z", "city"}


def test_progress_is_reported_in_rows(run):
    told = []
    with progress.listen(told.append):
        run(FastTransformExecutor, "small")
    assert told[-1] == ROWS
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("function", "options", "reason"),
    [
        ("sparse_output", {}, "SparseTensor"),
        ("ragged_output", {}, "RaggedTensor"),
        ("user_ptransform", {}, "PTransform"),
        ("vocabulary_by_label", {}, "label"),
        ("vocabulary_by_coverage", {}, "coverage"),
        ("small", {"force_tf_compat_v1": 1}, "force_tf_compat_v1"),
        ("small", {"beam_args": ["--runner=FlinkRunner", "--sdk_container_image=local"]}, "FlinkRunner"),
    ],
)
def test_unsupported_inputs_go_to_the_stock_executor_with_one_warning(
    inputs, tmp_path, monkeypatch, function, options, reason
):
    warnings = []

    monkeypatch.setattr(stock.TransformProcessor, "_RunBeamImpl", _refuse)
    monkeypatch.setattr(logging, "warning", lambda text, *args: warnings.append(text % args))
    with pytest.raises(FellBackToStockError):
        execute(FastTransformExecutor, inputs, tmp_path, function, **options)
    told = [warning for warning in warnings if "stock executor" in warning]
    assert len(told) == 1
    assert reason in told[0]
    assert not [path for path in (tmp_path / "transform_graph").iterdir() if path.name != ".temp_path"]


@pytest.mark.parametrize(
    ("module", "name", "library"),
    # Names that the stock executor itself needs only for the analyzer cache, and only for statistics.
    [(analyzer_cache, "_METADATA_FILE_NAME", "tensorflow-transform"), (stock, "_ANOMALIES_FILE", "tfx")],
    ids=["a name of TFT", "a name of TFX"],
)
def test_a_missing_private_name_sends_the_work_to_stock_with_one_warning(
    inputs, run, tmp_path, monkeypatch, module, name, library
):
    expected = run(FastTransformExecutor, "small").rows("eval")
    monkeypatch.delattr(module, name)
    warnings = []
    with progress.listen(lambda _: None, warnings.append):
        result = execute(FastTransformExecutor, inputs, tmp_path, "small")
    assert warnings == [
        f"Transform runs the stock executor, which is slower: {library} {version(library)} no longer has"
        f" {module.__name__}.{name}; Flightline was checked with 1.16.0 and 1.21.0"
    ]
    rows = result.rows("eval")
    assert rows.keys() == expected.keys()
    np.testing.assert_allclose(rows["z"], expected["z"], rtol=1e-5, atol=1e-6)


def test_the_stock_executor_runs_if_the_config_says_so(inputs, tmp_path):
    result = execute(FastTransformExecutor, inputs, tmp_path, "sparse_output")
    assert isinstance(result.graph.transformed_feature_spec()["amount"], tf.io.VarLenFeature)
    assert len(result.rows("eval")["z"]) == ROWS - 1300


def test_the_stock_modules_are_restored(run):
    before = stock.TransformProcessor
    run(FastTransformExecutor, "small")
    assert stock.TransformProcessor is before
