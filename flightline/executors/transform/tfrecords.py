"""Reads TFRecord files of tf.Examples in batches, in the order of the files."""

from collections.abc import Iterator, Mapping, Sequence

import tensorflow as tf
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import impl_helper
from tensorflow_transform.tf_metadata import schema_utils

from flightline.executors.transform.supported import UnsupportedTransformError

_READ_BUFFER_BYTES = 4 << 20

FeatureSpec = Mapping[str, tf.io.FixedLenFeature | tf.io.VarLenFeature]


def list_files(pattern: str) -> list[str]:
    """The files that match a glob, sorted by name, which is the order of the rows.

    Raises:
        UnsupportedTransformError: no file matches, or some are compressed and others are not.
    """
    files = sorted(tf.io.gfile.glob(pattern))
    if not files:
        raise UnsupportedTransformError(f"no file matches {pattern}")
    if len({name.endswith(".gz") for name in files}) > 1:
        raise UnsupportedTransformError(f"{pattern} mixes compressed and plain files")
    return files


def read_batches(files: Sequence[str], batch_rows: int) -> Iterator[tf.Tensor]:
    """Yields serialized records as string tensors [<= batch_rows]; a batch may span files."""
    compression = "GZIP" if files[0].endswith(".gz") else ""
    dataset = tf.data.TFRecordDataset(list(files), compression, buffer_size=_READ_BUFFER_BYTES)
    return iter(dataset.batch(batch_rows).prefetch(1))


def parsing_spec(schema: schema_pb2.Schema, specs: Mapping[str, tf.TypeSpec]) -> FeatureSpec:
    """The `tf.io.parse_example` spec that gives the same tensors as stock Transform's Arrow decoding.

    Args:
        schema: schema of the raw examples.
        specs: feature name → type of the tensor that stock Transform passes to the preprocessing_fn.

    Raises:
        UnsupportedTransformError: a feature is neither a fixed-length nor a variable-length list, or the two ways of
            decoding give tensors of different types.
    """
    features = schema_utils.schema_as_feature_spec(schema).feature_spec
    for name, feature in features.items():
        if not isinstance(feature, tf.io.FixedLenFeature | tf.io.VarLenFeature):
            raise UnsupportedTransformError(f"input feature {name!r} is a {type(feature).__name__}")
    if impl_helper.get_type_specs_from_feature_specs(features) != dict(specs):
        raise UnsupportedTransformError("the schema describes tensors that tf.io.parse_example does not give")
    return features
