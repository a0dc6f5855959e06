"""Differences between artifacts are called by the field's names."""

from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.runs.reproduce.differences import MAX_DIFFERENCES, explain_difference


def artifacts(kind, before, now):
    return [pb.Artifact(type=kind, uri=str(path)) for path in (before, now)]


def two(tmp_path):
    folders = tmp_path / "before", tmp_path / "now"
    for folder in folders:
        folder.mkdir()
    return folders


def put(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def statistics(**means):
    found = statistics_pb2.DatasetFeatureStatisticsList()
    dataset = found.datasets.add()
    for name, mean in means.items():
        dataset.features.add(path={"step": [name]}).num_stats.mean = mean
    return found.SerializeToString()


def test_statistics_name_the_feature_and_the_split(tmp_path):
    before, now = two(tmp_path)
    put(before, "Split-train/FeatureStats.pb", statistics(distance=1.0, seats=2.0))
    put(now, "Split-train/FeatureStats.pb", statistics(distance=1.0, seats=2.5))
    assert explain_difference(None, None, *artifacts("ExampleStatistics", before, now)) == [
        "feature seats of split train"
    ]


def test_a_schema_names_the_feature_and_the_domain(tmp_path):
    before, now = two(tmp_path)
    put(before, "schema.pbtxt", 'feature { name: "a" type: INT } string_domain { name: "d" value: "x" }')
    put(now, "schema.pbtxt", 'feature { name: "a" type: FLOAT } string_domain { name: "d" value: "x" value: "y" }')
    assert explain_difference(None, None, *artifacts("Schema", before, now)) == ["feature a", "domain d"]


def test_a_transform_graph_names_the_vocabulary_entry(tmp_path):
    before, now = two(tmp_path)
    put(before, "transform_fn/assets/carrier", "AA\nUA\nB6\n")
    put(now, "transform_fn/assets/carrier", "AA\nB6\nUA\n")
    [named] = explain_difference(None, None, *artifacts("TransformGraph", before, now))
    assert named == "vocabulary carrier, entry 2: 'UA' before, 'B6' now"


def test_many_differences_are_counted(tmp_path):
    before, now = two(tmp_path)
    for number in range(9):
        put(now, f"file-{number}", "new")
    found = explain_difference(None, None, *artifacts("Whatever", before, now))
    assert found[:MAX_DIFFERENCES] == [f"file file-{number}" for number in range(MAX_DIFFERENCES)]
    assert found[MAX_DIFFERENCES:] == ["and 4 more"]


def test_rows_are_named_before_files(tmp_path):
    before, now = two(tmp_path)
    put(before, "Split-train/data", "a")
    put(now, "Split-train/data", "b")
    ours, theirs = artifacts("Examples", before, now)
    ours.custom_properties["rows_train"].int_value, theirs.custom_properties["rows_train"].int_value = 7, 8
    assert explain_difference(None, None, ours, theirs) == ["rows train: 7 before, 8 now", "file Split-train/data"]
