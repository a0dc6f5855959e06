import time
from pathlib import Path

import numpy as np
import pytest

from flightline.components import serving_check, serving_probe

LABEL, ROWS = "y", 30


class Models:
    """SavedModels that answer serialised examples, each with a flaw of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def export(self, predict) -> str:
        import tensorflow as tf

        module = tf.Module()

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
        def serve(examples):
            # Requests have no label, so a model that needs it fails.
            parsed = tf.io.parse_example(examples, {"x": tf.io.FixedLenFeature([1], tf.float32)})
            return {"outputs": predict(parsed["x"])}

        tf.saved_model.save(module, str(self.folder), signatures={"serving_default": serve})
        return str(self.folder)


@pytest.fixture
def models(tmp_path):
    return Models(tmp_path / "model" / "Format-Serving")


@pytest.fixture
def examples(components):
    """Thirty labelled examples, all in the split eval."""
    import tensorflow as tf
    from tfx.types import artifact_utils, standard_artifacts

    artifact = components.artifact(standard_artifacts.Examples)
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    folder = Path(artifact.uri) / "Split-eval"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "data_tfrecord-00000-of-00001.gz"), "GZIP") as writer:
        for number in range(ROWS):
            example = tf.train.Example()
            example.features.feature["x"].float_list.value.append(number)
            example.features.feature[LABEL].int64_list.value.append(number % 2)
            writer.write(example.SerializeToString())
    return artifact


def check(components, examples, folder, latency_ms=1000.0, timeout_s=60.0):
    """The blessing that ServingCheck writes for the model in `folder`."""
    from tfx.types import standard_artifacts

    model = components.artifact(standard_artifacts.Model)
    model.uri = str(Path(folder).parent)
    blessing = components.artifact(standard_artifacts.InfraBlessing)
    components.execute(
        serving_check.Executor,
        {"model": model, "examples": examples},
        {"blessing": blessing},
        num_examples=50,
        latency_ms=latency_ms,
        timeout_s=timeout_s,
        label=LABEL,
        code_digest="",
    )
    return blessing


def test_a_good_model_is_blessed_as_infra_validator_does(components, models, examples):
    from tfx.components.util import model_utils

    blessing = check(components, examples, models.export(lambda x: x * 0.5))
    assert model_utils.is_infra_validated(blessing)
    assert (Path(blessing.uri) / "INFRA_BLESSED").exists()
    assert blessing.get_int_custom_property("rows") == ROWS
    assert blessing.get_float_custom_property("p99_ms") > 0


def test_predictions_that_are_not_finite_are_refused(components, models, examples):
    blessing = check(components, examples, models.export(lambda x: x / 0.0))
    assert blessing.get_int_custom_property("blessed") == 0
    assert "not finite" in (Path(blessing.uri) / "INFRA_NOT_BLESSED").read_text()


def test_a_model_that_mixes_up_the_rows_of_a_batch_is_refused(components, models, examples):
    import tensorflow as tf

    blessing = check(components, examples, models.export(lambda x: x - tf.reduce_mean(x)))
    assert "alone and in a batch" in blessing.get_string_custom_property("reason")


def test_a_model_that_loses_rows_is_refused(components, models, examples):
    blessing = check(components, examples, models.export(lambda x: x[:1]))
    assert blessing.get_int_custom_property("blessed") == 0


def test_a_model_that_is_too_slow_is_refused(components, models, examples):
    blessing = check(components, examples, models.export(lambda x: x), latency_ms=0.001)
    assert "the limit is 0.001 ms" in blessing.get_string_custom_property("reason")


def test_a_model_that_does_not_load_is_refused_with_its_error(components, examples, tmp_path):
    folder = tmp_path / "broken" / "Format-Serving"
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"not a model")
    blessing = check(components, examples, folder)
    assert "the process that loaded the model exited with 1" in blessing.get_string_custom_property("reason")


def test_a_probe_that_hangs_is_stopped_at_the_time_limit(tmp_path, monkeypatch):
    script = tmp_path / "sleeper.py"
    script.write_text("import time; time.sleep(60)")
    monkeypatch.setattr(serving_probe, "__file__", str(script))
    started = time.monotonic()
    result = serving_check.run_probe("model", tmp_path / "requests", tmp_path / "result", timeout_s=0.5)
    assert result == {"error": "loading the model and sending all requests took more than 0.5 s"}
    assert time.monotonic() - started < 30


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({}, ""),
        ({"rows": 9}, "the model gave 9 outputs for 10 examples"),
        ({"finite": False}, "some predictions are not finite"),
    ],
)
def test_problems_are_found_in_the_result_of_the_probe(change, problem):
    result = {"rows": 10, "finite": True, "p99_ms": 1.0, "batch_difference": float(np.float32(0))}
    assert serving_check.find_serving_problem({**result, **change}, rows=10, latency_ms=5) == problem
