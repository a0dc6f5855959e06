"""Spans are read from file names; test_span_pattern_matches_tfx.py compares them with TFX's."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flightline.config.span_pattern import SpanPattern, date_to_span, parse_span


def test_a_pattern_without_spans_is_its_own_glob():
    pattern = SpanPattern("span-*/flights.csv")
    pattern.check()
    assert not pattern.has_spans
    assert pattern.glob() == "span-*/flights.csv"


def test_a_glob_matches_one_span_or_all_spans():
    pattern = SpanPattern("span-{SPAN:2}/v{VERSION}/*.csv")
    assert pattern.glob() == "span-*/v*/*.csv"
    assert pattern.glob(7) == "span-07/v*/*.csv"
    assert pattern.name_of(7) == "07"


def test_dates_are_days_since_the_epoch():
    pattern = SpanPattern("{YYYY}/{MM}/{DD}.csv")
    day = date_to_span(datetime.date(2013, 2, 1))
    assert day == 15737
    assert pattern.glob(day) == "2013/02/01.csv"
    assert pattern.find("2013/02/01.csv") == (day, None)
    assert pattern.name_of(day) == "2013-02-01"
    assert pattern.find("2013/02/31.csv") is None


@pytest.mark.parametrize("value", ["2013-02-01", datetime.date(2013, 2, 1), datetime.datetime(2013, 2, 1), 15737])
def test_a_span_is_written_as_a_number_or_a_date(value):
    assert parse_span(value) == 15737


def test_text_that_is_no_date_is_returned_unchanged():
    assert parse_span("february") == "february"


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("{SPAN}/{SPAN:2}", "more than once"),
        ("{YYYY}-{MM}.csv", "not all of them"),
        ("{SPAN}/{YYYY}{MM}{DD}", "either names the span"),
        ("v{VERSION}.csv", "without a {SPAN}"),
    ],
)
def test_patterns_that_tfx_refuses_are_refused(pattern, why):
    with pytest.raises(ValueError, match=why):
        SpanPattern(pattern).check()


def test_leading_zeros_need_a_width():
    assert SpanPattern("s{SPAN:2}").find("s01") == (1, None)
    assert SpanPattern("s{SPAN}").find("s12") == (12, None)
    with pytest.raises(ValueError, match=r"write \{SPAN:2\}"):
        SpanPattern("s{SPAN}").find("s01")


def test_file_names_that_do_not_match_the_pattern_have_no_span():
    pattern = SpanPattern("a+b/{SPAN:2}.csv")
    assert pattern.find("a+b/07.csv") == (7, None)
    for name in ("aab/07.csv", "a+b/7.csv", "a+b/xx.csv", "a+b/07.csv.gz", "a+b/x/07.csv"):
        assert pattern.find(name) is None


@given(st.integers(0, 99), st.integers(0, 999))
def test_span_and_version_are_read_from_a_name_that_matches_the_glob(span, version):
    pattern = SpanPattern("data-{SPAN:2}/v{VERSION}/rows.csv")
    assert pattern.find(pattern.glob(span).replace("*", str(version))) == (span, version)


@given(st.dates(datetime.date(1970, 1, 1)))
def test_every_date_is_read_from_its_glob(day):
    pattern = SpanPattern("{YYYY}-{MM}-{DD}")
    assert pattern.find(pattern.glob(date_to_span(day))) == (date_to_span(day), None)
