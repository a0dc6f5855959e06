"""The private names of TensorFlow Transform, and of TensorFlow where TFT uses them, that the fast Transform needs."""

from __future__ import annotations

from flightline.utils.private_api import PrivateApi, PrivateName

_SCHEMA = "tensorflow_transform.schema_inference"
_CACHE = "tensorflow_transform.beam.analyzer_cache"
_ANALYZERS = "tensorflow_transform.beam.analyzer_impls"
_BEAM = "tensorflow_transform.beam.impl"
_HELPER = "tensorflow_transform.impl_helper"

TFT = PrivateApi(
    "tensorflow-transform",
    ("1.16.0", "1.21.0"),
    [
        # Names of the graph collections in which the preprocessing_fn leaves notes about the schema of its outputs.
        f"{_SCHEMA}:_TF_METADATA_TENSOR_COLLECTION",
        f"{_SCHEMA}:_TF_METADATA_TENSOR_MIN_COLLECTION",
        f"{_SCHEMA}:_TF_METADATA_TENSOR_MAX_COLLECTION",
        f"{_SCHEMA}:_TF_METADATA_EXTRA_ANNOTATION",
        f"{_SCHEMA}:_TF_METADATA_EXTRA_ANNOTATION_TYPE_URL",
        f"{_SCHEMA}:_TF_METADATA_EXTRA_ANNOTATION_PROTO",
        f"{_SCHEMA}:_TF_METADATA_EXTRA_ANNOTATION_GLOBAL",
        f"{_SCHEMA}:_METADATA_SPARSE_OUTPUT_OVERRIDES_FIELD",
        # Reading these notes.
        PrivateName(f"{_SCHEMA}:_get_tensor_value_to_key_map", ("features_dict",)),
        PrivateName(
            f"{_SCHEMA}:_get_schema_overrides",
            ("graph", "tensor_name_to_key_map", "tensor_collection_key", "overrides_keys", "default_tensor_name"),
        ),
        PrivateName(f"{_SCHEMA}:_get_sparse_output_annotations_v2", ("graph", "tensor_to_feature_names")),
        # The files of the analyzer cache.
        f"{_CACHE}:_METADATA_FILE_NAME",
        PrivateName(f"{_CACHE}:_get_dataset_cache_path", ("base_dir", "dataset_key")),
        PrivateName(f"{_CACHE}:_ManifestFile", ("base_path",)),
        f"{_CACHE}:_ManifestFile.read",
        f"{_CACHE}:_ManifestFile.write",
        # The arithmetic of the analyzers.
        "tensorflow_transform.analyzers:_VocabOrderingType",
        PrivateName(f"{_ANALYZERS}:_split_inputs_by_key", ("batch_values",)),
        PrivateName(f"{_ANALYZERS}:_merge_outputs_by_key", ("keys_and_outputs", "outputs_dtype")),
        PrivateName(f"{_ANALYZERS}:_join_boundary_rows", ("boundary_matrix",)),
        PrivateName(f"{_ANALYZERS}:_count_and_token_to_bytes", ("count", "token")),
        # Putting the analyzers' results into the graph.
        PrivateName(f"{_BEAM}:_TensorBinding", ("value", "tensor_name", "dtype_enum", "is_asset_filepath")),
        PrivateName(f"{_BEAM}:_get_tensor_replacement_map", ("graph", "tensor_bindings")),
        f"{_HELPER}:_validate_analyzers_fingerprint",
        PrivateName(f"{_HELPER}:_assert_no_analyzers_in_graph", ("graph",)),
    ],
)

TENSORFLOW = PrivateApi(
    "tensorflow",
    ("2.16.2", "2.21.0"),
    [
        "tensorflow.python.eager.wrap_function:WrappedFunction",
        PrivateName("tensorflow.python.eager.wrap_function:VariableHolder", ("share_variables",)),
        "tensorflow.python.trackable.resource:ResourceTracker",
        "tensorflow.python.trackable.resource:resource_tracker_scope",
    ],
)
