"""Running a Transform executor on small artifacts, and reading what it wrote."""

import dataclasses
import json
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_artifacts

ROWS = 2000
CITIES = ("Paris", "Köln", "Ōsaka", "New York", "a\tb", "x" * 200, "Rome", "Oslo", "Bern")
BEAM_ARGS = ["--runner=FnApiRunner", "--direct_running_mode=in_memory", "--sdk_container_image=local"]
SCHEMA = """
feature { name: "amount" type: FLOAT presence { min_count: 1 } }
feature { name: "city" type: BYTES presence { min_count: 1 } }
feature { name: "code" type: INT value_count { min: 1 max: 1 } presence { min_fraction: 1 } }
feature { name: "count" type: INT value_count { min: 1 max: 1 } presence { min_fraction: 1 } }
feature { name: "fixed" type: FLOAT shape {} presence { min_fraction: 1 } }
feature { name: "pair" type: FLOAT shape { dim { size: 2 } } presence { min_fraction: 1 } }
feature { name: "unread" type: INT shape {} presence { min_fraction: 1 } }
"""  # no row has `unread`, which is no error as long as nothing depends on it
STATISTICS = {
    "pre_transform_schema": standard_artifacts.Schema,
    "pre_transform_stats": standard_artifacts.ExampleStatistics,
    "post_transform_schema": standard_artifacts.Schema,
    "post_transform_stats": standard_artifacts.ExampleStatistics,
    "post_transform_anomalies": standard_artifacts.ExampleAnomalies,
}


def make_inputs(root: pathlib.Path, seed: int = 7) -> pathlib.Path:
    """Examples in the splits `train` and `eval`, with missing values of every type, and their schema."""
    rng = np.random.default_rng(seed)
    examples = [_example(rng) for _ in range(ROWS)]
    for split, rows in (("train", examples[:1300]), ("eval", examples[1300:])):
        path = root / "examples" / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with tf.io.TFRecordWriter(str(path), "GZIP") as out:
            for example in rows:
                out.write(example.SerializeToString())
    (root / "schema").mkdir()
    (root / "schema" / "schema.pbtxt").write_text(SCHEMA)
    return root


def _example(rng: np.random.Generator) -> tf.train.Example:
    feature = {
        "code": tf.train.Int64List(value=[int(rng.integers(-3, 12))]),
        "count": tf.train.Int64List(value=[int(rng.poisson(40))]),
        "fixed": tf.train.FloatList(value=[rng.normal(5, 2)]),
        "pair": tf.train.FloatList(value=rng.normal([0, 50], [1, 10]).tolist()),
    }
    if rng.random() > 0.1:
        feature["amount"] = tf.train.FloatList(value=[rng.lognormal(3, 1)])
    if rng.random() > 0.05:
        name = ["Paris", "Köln", "Ōsaka", "New York", "a\tb", "x" * 200, "Rome", "Oslo", "Bern"][
            int(rng.geometric(0.3)) % 9
        ]
        feature["city"] = tf.train.BytesList(value=[name.encode()])
    kinds = {tf.train.Int64List: "int64_list", tf.train.FloatList: "float_list", tf.train.BytesList: "bytes_list"}
    return tf.train.Example(
        features=tf.train.Features(
            feature={name: tf.train.Feature(**{kinds[type(values)]: values}) for name, values in feature.items()}
        )
    )


@dataclasses.dataclass(frozen=True)
class Run:
    """Where an executor wrote its artifacts."""

    root: pathlib.Path
    outputs: dict

    @property
    def graph(self) -> tft.TFTransformOutput:
        return tft.TFTransformOutput(str(self.root / "transform_graph"))

    def bytes_of(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def files(self, pattern: str) -> dict[str, bytes]:
        paths = sorted(path for path in self.root.glob(pattern) if path.is_file())
        return {str(path.relative_to(self.root)): path.read_bytes() for path in paths}

    def rows(self, split: str) -> dict[str, np.ndarray]:
        """Transformed columns of a split, of one artifact after another, in the order of the records."""
        files = sorted(map(str, (self.root / "transformed_examples").glob(f"**/Split-{split}/*")))
        records = list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
        parsed = tf.io.parse_example(records, self.graph.transformed_feature_spec())
        return {
            name: (tf.sparse.to_dense(column) if isinstance(column, tf.SparseTensor) else column).numpy()
            for name, column in parsed.items()
        }


def execute(
    executor_class,
    inputs,
    root,
    function,
    *,
    spans=1,
    window=(),
    statistics=False,
    cache=False,
    cache_from=None,
    **properties,
) -> Run:
    """Runs `Do` of the executor as a pipeline would.

    Args:
        executor_class: the executor.
        inputs: folder of `make_inputs`.
        root: folder for the artifacts.
        function: name of a preprocessing function in transform_functions, or None.
        spans: how many artifacts with the same examples to give.
        window: folders of `make_inputs` whose examples to give instead, an artifact each.
        statistics: whether to ask for statistics.
        cache: whether to ask for the analyzer cache.
        cache_from: an earlier run with a cache.
        **properties: further execution properties.
    """
    folders = window or [inputs] * spans
    examples = [_artifact(standard_artifacts.Examples, folder / "examples") for folder in folders]
    for artifact in examples:
        artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    input_dict = {"examples": examples, "schema": [_artifact(standard_artifacts.Schema, inputs / "schema")]}
    if cache_from:
        input_dict["analyzer_cache"] = cache_from.outputs["updated_analyzer_cache"]
    kinds = {
        "transform_graph": standard_artifacts.TransformGraph,
        "transformed_examples": standard_artifacts.Examples,
        **({"updated_analyzer_cache": standard_artifacts.TransformCache} if cache else {}),
        **(STATISTICS if statistics else {}),
    }
    outputs = {name: [_artifact(kind, root / name)] for name, kind in kinds.items()}
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=properties.pop("beam_args", BEAM_ARGS), tmp_dir=str(root / "tmp"), unique_id="1"
    )
    exec_properties = {
        "preprocessing_fn": function and f"transform_functions.{function}",
        "custom_config": json.dumps({"buckets": 6}),
        "disable_statistics": int(not statistics),
        **properties,
    }
    executor_class(context).Do(input_dict, outputs, exec_properties)
    return Run(root, outputs)


def _artifact(kind, path):
    path.mkdir(parents=True, exist_ok=True)
    artifact = kind()
    artifact.uri = str(path)
    return artifact
