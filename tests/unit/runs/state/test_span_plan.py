"""What a run does with its span, decided before anything is launched."""

from pathlib import Path

import pytest
from span_history import SpanHistory

from flightline.config.loader import load_config
from flightline.config.settings import Config
from flightline.errors import ConfigError, InputError
from flightline.runs.state.span_plan import find_new_spans, plan_span, resolve_span, spans_on_disk

MONTHLY = Path("configs/flights_monthly.yaml")
VERSIONED = "data.pattern=span-{SPAN:2}/v{VERSION}.csv"


@pytest.fixture
def history(tmp_path):
    (tmp_path / "workspace").mkdir()
    return SpanHistory(tmp_path / "workspace" / "metadata.db")


@pytest.fixture
def config(tmp_path):
    """`config("span-01/flights.csv", ..., settings=[...])`: a monthly config over these files."""

    def make(*files: str, settings: tuple[str, ...] = ()) -> Config:
        for file in files:
            path = tmp_path / "data" / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("late\n")
        fixed = (f"workspace={tmp_path / 'workspace'}", f"data.input={tmp_path / 'data'}")
        return load_config(MONTHLY, (*fixed, *settings))

    return make


def months(*spans: int) -> list[str]:
    return [f"span-{span:02}/flights.csv" for span in spans]


def plan(config: Config, span: int):
    return plan_span(config.model_copy(update={"data": config.data.model_copy(update={"span": span})}))


def test_the_newest_span_is_the_default(config):
    assert resolve_span(config(*months(1, 2, 3))).data.span == 3
    assert resolve_span(config(settings=("data.span=2",))).data.span == 2


def test_a_span_that_does_not_exist_is_an_error(config):
    with pytest.raises(InputError, match=r"no span 09 .*; the spans are 01 to 03"):
        resolve_span(config(*months(1, 2, 3), settings=("data.span=9",)))


def test_a_config_without_a_window_has_no_span_plan(config):
    whole = config(*months(1), settings=("window=null",))
    assert resolve_span(whole) is whole
    assert plan_span(whole) is None


def test_a_file_name_without_a_span_is_an_error(config):
    with pytest.raises(InputError, match="does not contain a span"):
        spans_on_disk(config("span-01/flights.csv", "span-xx/flights.csv"))
    with pytest.raises(InputError, match=r"\{SPAN:2\}"):
        spans_on_disk(config(settings=("data.pattern=span-{SPAN}/flights.csv",)))


def test_the_newest_version_of_each_span_is_the_one_on_disk(config):
    assert spans_on_disk(config("span-01/v1.csv", "span-01/v10.csv", "span-02/v2.csv", settings=(VERSIONED,))) == {
        1: 10,
        2: 2,
    }


def test_dates_name_spans(config):
    dated = config("2013-01-31.csv", "2013-02-01.csv", settings=("data.pattern='{YYYY}-{MM}-{DD}.csv'",))
    assert plan_span(resolve_span(dated)).name == "2013-02-01"
    named = config(settings=("data.pattern='{YYYY}-{MM}-{DD}.csv'", "data.span=2013-01-31"))
    assert plan_span(resolve_span(named)).name == "2013-01-31"


def test_the_first_spans_are_only_ingested(config, history):
    loaded = config(*months(1, 2, 3), settings=("window={spans: 3, min_spans: 2}",))
    assert (
        "training starts when 2 accepted spans are there before the newest (0 are)"
        in plan(loaded, 1).ingest_only_reason
    )
    history.take(1)
    assert "(1 is)" in plan(loaded, 2).ingest_only_reason
    second = history.take(2)
    ready = plan(loaded, 3)
    assert not ready.ingest_only_reason
    assert ready.window[-1] == second


def test_a_blocked_span_does_not_count(config, history):
    loaded = config(*months(1, 2))
    history.take(1, gate="BLOCKED")
    assert plan(loaded, 2).ingest_only_reason


def test_a_late_span_is_only_ingested(config, history):
    loaded = config(*months(1, 2, 3))
    history.take(1)
    history.take(3)
    assert "the newer span 03 is already there" in plan(loaded, 2).ingest_only_reason
    assert not plan(loaded, 3).ingest_only_reason  # the newest itself may be run again


def test_unprocessed_spans_are_new(config, history):
    loaded = config(*months(1, 2, 3, 4, 5))
    assert find_new_spans(loaded) == [1, 2, 3, 4, 5]
    history.take(1, pushed=False)  # only taken in
    history.take(2)
    history.take(3, gate="BLOCKED")
    assert find_new_spans(loaded) == [4, 5]
    history.take(4, pushed=False)  # its training failed
    assert find_new_spans(loaded) == [4, 5]
    history.take(5, gate="BROKEN")
    assert find_new_spans(loaded) == [4, 5]


def test_a_span_whose_examples_were_garbage_collected_is_not_new(config, history):
    config = config(*months(1, 2, 3, 4))
    for span in (1, 2, 3):
        history.delete(history.take(span, gate="BLOCKED" if span == 2 else "COMPLETE"))
    history.take(4)
    assert find_new_spans(config) == []


def test_a_new_version_of_an_old_span_is_new_and_only_ingested(config, history):
    files = ["span-01/v1.csv", "span-02/v1.csv", "span-03/v1.csv"]
    loaded = config(*files, settings=(VERSIONED,))
    for span in (1, 2, 3):
        history.take(span, version=1)
    assert find_new_spans(loaded) == []
    loaded = config("span-02/v2.csv", settings=(VERSIONED,))
    assert find_new_spans(loaded) == [2]
    correction = plan(loaded, 2)
    assert correction.name == "02 version 2"
    assert correction.ingest_only_reason
    history.take(2, version=2, pushed=False)
    assert find_new_spans(loaded) == []


@pytest.mark.parametrize(
    ("setting", "why"),
    [
        ("data.pattern=*.csv", "has neither {SPAN} nor a date"),
        ("window.min_spans=7", "more than the 6 spans"),
        ("window.spans=0", "greater than or equal to 1"),
        ("window.train_splits=[train, train]", "names a split twice"),
        ("window.train_splits=[test]", "train"),
        ("data.span=-1", "greater than or equal to 0"),
        ("data.span=yesterday", "integer"),
    ],
)
def test_an_impossible_window_is_a_config_error(config, setting, why):
    with pytest.raises(ConfigError, match=why):
        config(*months(1), settings=(setting,))
