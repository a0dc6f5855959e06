import math
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from report_examples import HOSTILE_TEXT, METRICS, make_report_data, make_summary

from flightline.executors.data_gate.findings import Finding
from flightline.metadata.evaluation import Evaluation, SliceGap
from flightline.metadata.tuning import Trial, TuningResult
from flightline.reporting.html.data import Feature, ReportData, SplitStatistics, StepFacts
from flightline.reporting.html.render import render_report
from flightline.reporting.summary import SpanSummary
from flightline.utils.distribution_distance import Histogram

MAX_PAGE_BYTES = 6_000_000


class Page(HTMLParser):
    """The elements, ids, addresses and text of a page."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.ids, self.addresses, self.text, self.handlers = set(), set(), [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.add(value)
            if name in {"src", "href", "action", "data"}:
                self.addresses.append(value)
            if name.startswith("on"):
                self.handlers.append(name)

    def handle_data(self, data):
        self.text.append(data)


def draw(data):
    html = render_report(data)
    return html, Page(html)


def test_released_run_shows_its_verdict_first_and_all_sections():
    html, page = draw(make_report_data())
    assert html.index("Released") < html.index('id="metrics"')
    assert {
        "verdict",
        "card",
        "metrics",
        "training",
        "steps",
        "rows",
        "changes",
        "data",
        "lineage",
        "provenance",
    } <= page.ids
    assert page.tags.isdisjoint({"script", "iframe", "object", "embed", "form"})
    assert all(not address.startswith(("http:", "https:", "//")) for address in page.addresses)


def test_span_of_the_evaluation_and_span_that_was_only_ingested():
    evaluated = make_summary(span=SpanSummary(3, "03", ["01", "02"], ""))
    html, _ = draw(replace(make_report_data(), summary=evaluated))
    assert "On all 1,000 rows of span 03, which is not used for training; trained on 01, 02." in html
    note = "span 01 is ingested; training starts when 1 accepted span is there"
    ingested = make_summary(evaluation=None, release=None, span=SpanSummary(1, "01", [], note))
    html, _ = draw(replace(make_report_data(), summary=ingested))
    assert "Ingested" in html
    assert f"S{note[1:]}." in html


def test_values_from_the_data_stay_text():
    html, page = draw(make_report_data(HOSTILE_TEXT))
    assert page.tags.isdisjoint({"script", "img"})
    assert not page.handlers
    assert "7 * 7" in html  # not 49: values are not parsed as templates
    assert "49" not in "".join(page.text).replace("0.49", "")
    assert "\x00" not in html
    assert any("<script>" in text for text in page.text)


def test_gaps_between_slices_are_shown_with_their_limits_and_values():
    wide = SliceGap("auc", "origin", 0.02, 100, 2, "origin=LGA", 0.95, 390, "origin=JFK", 0.9, 600, [])
    without_value = replace(wide, columns="origin,carrier", slices_without_value=["origin=JFK,carrier=HA"])
    evaluation = replace(make_summary().evaluation, gaps=[wide, without_value])
    html, _ = draw(make_report_data(summary=make_summary(evaluation=evaluation)))
    section = html.split("Gaps between slices")[1].split("</div>")[0]
    assert '<td class="name">auc</td><td>origin</td>' in section
    assert '<td class="number down">0.0500 ✕</td><td class="number">≤ 0.02</td>' in section
    assert "origin=LGA" in section
    assert "the gap in auc by origin × carrier has no value: no auc on origin=JFK,carrier=HA" in section
    assert "100 for origin, 100 for origin × carrier" in section


def test_hyperparameter_search_lists_the_best_trial_first():
    trials = [Trial("00", {"train.epochs": 2}, 0.3), Trial("01", {"train.epochs": 3}, 0.25), Trial("02", {}, None)]
    html, _ = draw(make_report_data(summary=make_summary(search=TuningResult("val_loss", trials))))
    section = html.split("Hyperparameter search")[1].split("</section>")[0]
    assert section.index("0.25000</td>") < section.index("0.30000</td>") < section.index("failed</td>")


def test_run_without_any_data():
    _, page = draw(ReportData("first", "flights", 0, 0.0, None))
    assert "No result" in "".join(page.text)
    assert {"metrics", "data", "lineage", "changes", "training", "card"}.isdisjoint(page.ids)


@pytest.mark.parametrize(
    ("code", "failure", "title"),
    [
        (1, "Trainer failed: out of memory", "Failed"),
        (3, "the data gate stopped the run: carrier: unknown values", "Stopped by the data gate"),
        (4, "auc on overall is 0.8, must be ≥ 0.9", "Not released"),
        (130, "interrupted in Trainer", "Interrupted"),
    ],
)
def test_unsuccessful_run_shows_the_reason(code, failure, title):
    ended = make_summary(exit_code=code, failure=failure, evaluation=None, release=None)
    _, page = draw(make_report_data(summary=ended, training=None, curves={}))
    text = "".join(page.text)
    assert title in text
    assert failure[1:] in text


def test_findings_are_shown_with_their_features():
    ended = make_summary(exit_code=3, findings=[Finding("late", "K", "is 7 in some rows", 12)], evaluation=None)
    html, _ = draw(make_report_data(summary=ended))
    card = html.split("late</span>")[1].split("</article>")[0]
    assert "anomaly" in card
    assert "is 7 in some rows" in card


def test_nan_and_none_are_not_printed():
    nothing = Evaluation({"overall": {"auc": math.nan}, "a=1": {}}, {}, [], None, [], {})
    split = SplitStatistics(0, 0, Histogram([0.0, 0.0], [0.0]), mean=None)
    data = make_report_data(
        summary=make_summary(evaluation=nothing),
        features=[Feature("x", "float", "feature", {"train": split})],
        steps=[StepFacts("ExampleGen", "ran")],
    )
    html, _ = draw(data)
    assert "NaN" not in html
    assert "Infinity" not in html


def test_page_with_very_many_features_and_slices_stays_small():
    names = SplitStatistics(9, 0, values=[(f"{'v' * 50}{i}", 1.0) for i in range(20)], unique=9000)
    features = [Feature(f"feature_{i}", "categorical", "feature", {"train": names, "eval": names}) for i in range(1000)]
    slices = {"overall": METRICS, **{f"tail={i}": METRICS for i in range(4000)}}
    wide = make_summary(evaluation=Evaluation(slices, slices, [], True, [], {}))
    html, page = draw(make_report_data(features=features, summary=wide))
    assert len(html.encode()) < MAX_PAGE_BYTES
    text = "".join(page.text)
    assert "850 more columns are in report.json" in text
    assert "3,600 smaller slices are in report.json" in text


def test_report_json_is_read_back_equal():
    data = make_report_data(HOSTILE_TEXT)
    assert ReportData.from_json(data.to_json()) == data
    with pytest.raises(ValueError, match="run_id"):
        ReportData.from_json('{"pipeline": 1}')


def test_uncommitted_changes_are_shown():
    clean = replace(make_report_data().provenance, dirty=False)
    assert "uncommitted changes" in render_report(make_report_data())
    assert "uncommitted changes" not in render_report(make_report_data(provenance=clean))
