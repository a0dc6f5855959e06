"""Weights of two SavedModels are compared by name."""

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.runs.reproduce.differences import explain_difference


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    import tensorflow as tf

    class Small(tf.Module):
        def __init__(self, value):
            self.kernel = tf.Variable([[1.0, value]], name="kernel")
            self.bias = tf.Variable([0.5], name="bias")

    folder = tmp_path_factory.mktemp("models")
    for name, value in (("before", 2.0), ("now", 2.25)):
        tf.saved_model.save(Small(value), str(folder / name / "Format-Serving"))
    return folder


def test_a_changed_weight_is_named_with_its_largest_difference(models):
    before, now = (pb.Artifact(type="Model", uri=str(models / name)) for name in ("before", "now"))
    named = explain_difference(None, None, before, now)
    assert named[0].startswith("weight kernel/")
    assert named[0].endswith("differs by up to 0.25")
    assert not [name for name in named if "bias" in name]
