import numpy as np
import pytest
import tensorflow as tf

from flightline.config.feature_plan import CategoricalFeature, FeaturePlan, NumericFeature
from flightline.modeling.training_data import ordered_batches, read_training_data, shuffled_batches

PLAN = FeaturePlan(
    label="y",
    label_type="INT",
    numbers=[NumericFeature(name="n", optional=True), NumericFeature(name="m", optional=False)],
    categories=[CategoricalFeature(name="c", source="vocabulary")],
    quantile_bins=32,
    bucket_count=10,
    vocabulary_size=10,
    min_count=1,
    oov_buckets=1,
)


def write(path, rows, label=lambda i: i % 2):
    def example(i):
        features = {
            "n_xf": tf.train.Feature(float_list=tf.train.FloatList(value=[float("nan") if i == 3 else i / 4])),
            "m_xf": tf.train.Feature(float_list=tf.train.FloatList(value=[-i])),
            "c_xf": tf.train.Feature(int64_list=tf.train.Int64List(value=[i])),
            "y_xf": tf.train.Feature(int64_list=tf.train.Int64List(value=[label(i)])),
        }
        return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()

    with tf.io.TFRecordWriter(str(path), "GZIP" if path.suffix == ".gz" else "") as out:
        for i in rows:
            out.write(example(i))


@pytest.fixture
def rows(tmp_path):
    write(tmp_path / "examples-00000-of-00002.gz", range(7))
    write(tmp_path / "examples-00001-of-00002.gz", range(7, 10))
    (tmp_path / "matrices").mkdir()
    return read_training_data([str(tmp_path / "examples-*")], PLAN, tmp_path / "matrices")


def test_all_files_become_one_matrix_in_file_order(rows):
    assert len(rows) == 10
    expected = np.float32([[np.nan if i == 3 else i / 4, -i] for i in range(10)])
    np.testing.assert_array_equal(rows.features["numbers"], expected)
    np.testing.assert_array_equal(rows.features["categories"], np.arange(10)[:, np.newaxis])
    np.testing.assert_array_equal(rows.labels, np.arange(10) % 2)
    assert all(isinstance(matrix, np.memmap) for matrix in rows.features.values())


def test_each_pass_has_every_row_once_in_an_order_set_by_the_seed(rows):
    def epochs(seed):
        batches = list(shuffled_batches(rows, np.arange(1, 10), 3, seed).take(6).as_numpy_iterator())
        seen = np.concatenate([features["categories"][:, 0] for features, _ in batches])
        labels = np.concatenate([labels for _, labels in batches])
        np.testing.assert_array_equal(labels, seen % 2)
        return seen[:9].tolist(), seen[9:].tolist()

    first, second = epochs(1)
    assert sorted(first) == sorted(second) == list(range(1, 10))
    assert first != second
    assert epochs(1) == (first, second)
    assert epochs(2) != (first, second)


def test_ordered_batches_have_each_row_once_and_a_known_length(rows):
    batches = ordered_batches(rows, np.array([4, 2]))
    assert batches.cardinality() == 1
    ((features, labels),) = batches.as_numpy_iterator()
    assert features["categories"].tolist() == [[4], [2]]
    assert labels.tolist() == [0, 0]


@pytest.mark.parametrize("bad", [-1, 2])
def test_other_labels_than_0_and_1_are_refused(tmp_path, bad):
    write(tmp_path / "examples", range(10), label=lambda i: bad if i in (4, 5) else 0)
    with pytest.raises(ValueError, match=f"label 'y': in 2 of 10 .*such as {bad}"):
        read_training_data([str(tmp_path / "examples")], PLAN, tmp_path)


def test_no_files_and_no_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"no transformed examples match .*/nothing"):
        read_training_data([str(tmp_path / "nothing-*")], PLAN, tmp_path)
    write(tmp_path / "examples", [])
    with pytest.raises(ValueError, match="hold no rows"):
        read_training_data([str(tmp_path / "examples")], PLAN, tmp_path)
