"""Spans and versions that Flightline reads from file names equal those of TFX's ExampleGen."""

import pytest
from tfx.components.example_gen import utils
from tfx.proto import example_gen_pb2, range_config_pb2

from flightline.config.span_pattern import SpanPattern


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("span-{SPAN:2}/v{VERSION}/rows.csv", ["span-03/v2/rows.csv", "span-03/v10/rows.csv", "span-12/v1/rows.csv"]),
        ("s{SPAN}.csv", ["s9.csv", "s10.csv"]),
        ("{YYYY}-{MM}-{DD}/{VERSION:3}.csv", ["2013-01-31/001.csv", "2013-01-31/002.csv", "2013-02-01/001.csv"]),
    ],
)
def test_spans_and_newest_versions_equal_those_of_tfx(tmp_path, pattern, files):
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("rows\n")
    ours = SpanPattern(pattern)
    found = [ours.find(file) for file in files]
    newest = max(span for span, _ in found)
    for span in {None, *(span for span, _ in found)}:
        static = range_config_pb2.StaticRange(start_span_number=span or 0, end_span_number=span or 0)
        span_range = None if span is None else range_config_pb2.RangeConfig(static_range=static)
        splits = [example_gen_pb2.Input.Split(name="input", pattern=pattern)]
        _, tfx_span, version = utils.calculate_splits_fingerprint_span_and_version(str(tmp_path), splits, span_range)
        assert tfx_span == (newest if span is None else span)
        assert version == max((v for s, v in found if s == tfx_span and v is not None), default=None)
        assert splits[0].pattern in files
        assert ours.find(splits[0].pattern) == (tfx_span, version)
        assert {str(path.relative_to(tmp_path)) for path in tmp_path.glob(ours.glob(tfx_span))} >= {splits[0].pattern}
