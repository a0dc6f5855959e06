import gzip
import json
import shutil

import pytest

from flightline.metadata.content_digest import digest_artifact


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(folder)


def test_of_files_their_names_and_bytes_count_not_where_they_are(tmp_path):
    files = {"Split-train/data.gz": b"123", "Split-eval/data.gz": b"4"}
    here, there = (digest_artifact("Examples", write(tmp_path / place, files)) for place in ("here", "there"))
    assert here == there
    moved = {"Split-train/data.gz": b"4", "Split-eval/data.gz": b"123"}
    assert digest_artifact("Examples", write(tmp_path / "moved", moved)) != here
    write(tmp_path / "here", {".system/x": "TFX's own"})
    assert digest_artifact("Examples", str(tmp_path / "here")) == here


def test_a_file_is_an_artifact_too(tmp_path):
    write(tmp_path, {"value": '{"passed": 1}'})
    assert digest_artifact("JsonValue", str(tmp_path / "value"))


def test_a_missing_artifact_has_no_digest(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(OSError, match="empty"):
        digest_artifact("Schema", str(tmp_path / "empty"))
    with pytest.raises(OSError, match="does not exist"):
        digest_artifact("Schema", str(tmp_path / "nowhere"))


def test_rejected_rows_without_the_file_they_came_from(tmp_path):
    head = "file,line,reason,column,detail,text\n"
    one = {"rejected/rejected.csv": head + '/a/x.csv,3,unparsable,n,bad,"1\n2"\n/a/x.csv,2,unparsable,n,bad,3\n'}
    two = {"rejected/rejected.csv": head + '/b/x.csv,2,unparsable,n,bad,3\n/b/x.csv,3,unparsable,n,bad,"1\n2"\n'}
    three = {"rejected/rejected.csv": head + "/b/x.csv,2,unparsable,n,bad,4\n"}
    digests = [digest_artifact("Examples", write(tmp_path / str(i), f)) for i, f in enumerate((one, two, three))]
    assert digests[0] == digests[1] != digests[2]


def test_an_evaluation_without_the_paths_of_its_models(tmp_path):
    def config(path, lower):
        return {"eval_config.json": json.dumps({"evalConfig": {"lower": lower}, "modelLocations": {"": path}})}

    digests = [
        digest_artifact("ModelEvaluation", write(tmp_path / str(i), config(*about)))
        for i, about in enumerate((("/a", 1), ("/b", 1), ("/a", 2)))
    ]
    assert digests[0] == digests[1] != digests[2]


def test_the_digest_of_an_analyzer_cache_covers_its_accumulators(tmp_path):
    def cache(folder, stamp, entries):
        packed = {f"data/{i}-00000-of-00001.gz": gzip.compress(e, mtime=stamp) for i, e in enumerate(entries)}
        return digest_artifact("TransformCache", write(tmp_path / folder, {**packed, "data/MANIFEST": folder}))

    assert cache("a", 1, [b"x", b"y"]) == cache("b", 2, [b"y", b"x"])
    assert cache("c", 1, [b"x", b"z"]) != cache("a", 1, [b"x", b"y"])


def test_the_digest_of_a_blessing_covers_its_verdict(tmp_path):
    yes, slower, no = (
        digest_artifact("InfraBlessing", write(tmp_path / str(i), files))
        for i, files in enumerate(({"INFRA_BLESSED": ""}, {"INFRA_BLESSED": "9 ms"}, {"INFRA_NOT_BLESSED": "slow"}))
    )
    assert yes == slower != no


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """`saved(words, factor)` → a SavedModel with a vocabulary and a weight, saved in a folder of its own."""
    import tensorflow as tf

    WHOLE_LINE, LINE_NUMBER = tf.lookup.TextFileIndex.WHOLE_LINE, tf.lookup.TextFileIndex.LINE_NUMBER  # noqa: N806

    class Model(tf.Module):
        def __init__(self, vocabulary, factor):
            super().__init__()
            table = tf.lookup.TextFileInitializer(vocabulary, tf.string, WHOLE_LINE, tf.int64, LINE_NUMBER)
            self.table = tf.lookup.StaticVocabularyTable(table, 1)
            self.factor = tf.Variable(factor)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, words):
            return tf.cast(self.table.lookup(words), tf.float32) * self.factor + 3.0

    def save(words, factor):
        folder = tmp_path_factory.mktemp("model")
        vocabulary = folder / "vocabulary"
        vocabulary.write_text("\n".join(words))
        model = Model(str(vocabulary), factor)
        tf.saved_model.save(model, str(folder / "saved"), signatures={"serving_default": model.serve})
        return folder / "saved"

    return save


def test_the_digest_of_a_saved_model_covers_its_graph_weights_and_assets(saved, tmp_path):
    first, again = saved(["a", "b"], 2.0), saved(["a", "b"], 2.0)
    assert (first / "saved_model.pb").read_bytes() != (again / "saved_model.pb").read_bytes()
    digest = digest_artifact("Model", str(first))
    assert digest_artifact("Model", str(again)) == digest
    assert digest_artifact("Model", str(saved(["a", "c"], 2.0))) != digest
    assert digest_artifact("Model", str(saved(["a", "b"], 2.5))) != digest
    edited = tmp_path / "edited"
    shutil.copytree(first, edited)
    _change_a_constant(edited / "saved_model.pb")
    assert digest_artifact("Model", str(edited)) != digest


def _change_a_constant(path):
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    [constant] = [
        node
        for function in model.meta_graphs[0].graph_def.library.function
        for node in function.node_def
        if node.op == "Const" and list(node.attr["value"].tensor.float_val) == [3.0]
    ][:1]
    constant.attr["value"].tensor.float_val[:] = [4.0]
    path.write_bytes(model.SerializeToString())
