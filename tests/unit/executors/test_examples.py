import pytest
import tensorflow as tf
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tfx_bsl.coders import example_coder

from flightline.executors.examples import decode_examples, decode_uniform_examples, read_examples

VALUES = {
    "int64_list": st.integers(-(2**63), 2**63 - 1),
    "float_list": st.floats(width=32),
    "bytes_list": st.binary(max_size=200),
}
NAMES = st.text(max_size=140).map(lambda name: name.replace("\0", ""))  # tfx_bsl truncates a name at a NUL


@st.composite
def regular(draw):
    """Examples with the same features, each with one value, an empty list or no kind."""
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique=True))
    kinds = [draw(st.sampled_from(sorted(VALUES))) for _ in names]
    cell = st.sampled_from(["value", "value", "empty", "kindless"])
    return [
        make(
            {n: (k, draw(VALUES[k]) if (c := draw(cell)) == "value" else c) for n, k in zip(names, kinds, strict=True)}
        )
        for _ in range(draw(st.integers(1, 6)))
    ]


def make(cells):
    message = tf.train.Example()
    for name, (kind, cell) in cells.items():
        feature = message.features.feature[name]
        if cell == "empty":
            getattr(feature, kind).SetInParent()
        elif cell != "kindless":
            getattr(feature, kind).value.append(cell)
    return message.SerializeToString(deterministic=True)


def decode_with_tfx_bsl(examples):
    return example_coder.ExamplesToRecordBatchDecoder().DecodeBatch(examples)


@settings(deadline=None, max_examples=300)
@given(regular())
@example([make({"a": ("bytes_list", b"x" * size)}) for size in (0, 110, 127, 128, 20_000)])
def test_regular_examples_decode_as_tfx_bsl_decodes_them(examples):
    decoded, expected = decode_uniform_examples(examples), decode_with_tfx_bsl(examples)
    assert decoded.schema == expected.schema
    # Row by row as text: NaN is not equal to itself.
    assert str(decoded.to_pylist()) == str(expected.to_pylist())


A_1 = make({"a": ("int64_list", 1), "b": ("bytes_list", b"x")})
IRREGULAR = {
    "another feature": make({"a": ("int64_list", 1), "c": ("bytes_list", b"x")}),
    "one more feature": make({"a": ("int64_list", 1), "b": ("bytes_list", b"x"), "c": ("bytes_list", b"x")}),
    "one feature less": make({"a": ("int64_list", 1)}),
    "several values": tf.train.Example(
        features=tf.train.Features(
            feature={
                "a": tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2])),
                "b": tf.train.Feature(bytes_list=tf.train.BytesList(value=[b"x", b"y"])),
            }
        )
    ).SerializeToString(deterministic=True),
    "no feature": b"",
    "another order": A_1[:2] + A_1[14:] + A_1[2:14],
}


@pytest.mark.parametrize("irregular", IRREGULAR.values(), ids=IRREGULAR)
def test_irregular_examples_are_decoded_by_tfx_bsl(irregular):
    for examples in ([A_1, irregular], [irregular, A_1], [A_1, irregular, A_1]):
        assert decode_uniform_examples(examples) is None
        assert decode_examples(examples).equals(decode_with_tfx_bsl(examples))


@settings(deadline=None, max_examples=300)
@given(st.integers(0, len(A_1) - 1), st.integers(0, 255), st.integers(0, 2))
def test_corrupt_examples_are_refused_or_decode_as_tfx_bsl_decodes_them(at, byte, row):
    examples = [A_1] * 3
    examples[row] = A_1[:at] + bytes([byte]) + A_1[at + 1 :]
    decoded = decode_uniform_examples(examples)
    if decoded is not None:
        assert decoded.equals(decode_with_tfx_bsl(examples))


@pytest.mark.parametrize("cut", [1, 5, len(A_1) - 1])
def test_truncated_examples_are_refused(cut):
    assert decode_uniform_examples([A_1, A_1[:cut]]) is None
    assert decode_uniform_examples([A_1[:cut]]) is None


def test_different_kinds_of_one_feature_are_an_error_as_in_tfx_bsl():
    with pytest.raises(Exception, match="a"):
        decode_examples([A_1, make({"a": ("float_list", 1.0), "b": ("bytes_list", b"x")})])


def test_files_are_read_in_order_in_batches_of_limited_bytes(tmp_path):
    files = []
    for i, suffix in enumerate(("", ".gz")):
        files.append(str(tmp_path / f"{i}{suffix}"))
        with tf.io.TFRecordWriter(files[-1], "GZIP" if suffix else "") as writer:
            for n in range(5000):
                writer.write(b"%d-%06d" % (i, n))
    batches = list(read_examples(files, batch_bytes=10_000))
    assert len(batches) > 2
    assert [record for batch in batches for record in batch] == [
        b"%d-%06d" % (i, n) for i in (0, 1) for n in range(5000)
    ]


def test_a_damaged_file_is_an_error(tmp_path):
    path = tmp_path / "x"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(A_1)
    content = path.read_bytes()
    for damaged in (content[:-1], content.replace(b"x", b"y")):
        path.write_bytes(damaged)
        with pytest.raises(tf.errors.DataLossError):
            list(read_examples([str(path)]))
