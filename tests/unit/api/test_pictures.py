import base64
import re
from xml.etree import ElementTree

import pytest
from markupsafe import Markup
from report_examples import HOSTILE_TEXT, make_report_data, make_summary
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from flightline.api.anomalies import Anomalies
from flightline.api.html import html_table
from flightline.api.metrics import Metrics
from flightline.api.pictures import Pictures, draw_by_slice
from flightline.api.statistics import Statistics
from flightline.errors import UsageError
from flightline.reporting.html.charts.dag import dag_chart

SOURCE = re.compile(r'src="data:image/svg\+xml;base64,([^"]+)"')


def parse_svgs(shown):
    """The SVG documents in the HTML that a notebook shows, parsed."""
    return [ElementTree.fromstring(base64.b64decode(found)) for found in SOURCE.findall(shown._repr_html_())]


def titles(shown):
    return re.findall(r"<b>([^<]*)</b>", shown._repr_html_())


def dataset(word, rows=10):
    made = statistics_pb2.DatasetFeatureStatistics(num_examples=rows)
    feature = made.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    feature.path.step.append("carrier")
    feature.string_stats.unique = 1
    feature.string_stats.common_stats.num_non_missing = rows
    feature.string_stats.common_stats.tot_num_values = rows
    feature.string_stats.rank_histogram.buckets.add(label=word, sample_count=rows)
    other = made.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    other.path.step.append("other")
    return made


def test_a_picture_is_a_complete_svg_document_with_its_stylesheet():
    [svg] = parse_svgs(Pictures.from_charts({"The steps": dag_chart(make_report_data().steps)}))
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert "--blue:" in svg.find("{*}style").text
    assert float(svg.get("width")) > 100


def test_statistics_draw_every_feature_or_those_selected():
    statistics = Statistics({"train": dataset("UA"), "eval": dataset("AA")})
    assert titles(statistics) == ["carrier", "other"]
    [only] = parse_svgs(statistics.select(["carrier"]))
    assert "UA" in "".join(only.itertext())
    assert titles(statistics.select(["other", "carrier"])) == ["other", "carrier"]
    with pytest.raises(UsageError, match="there is no feature month; there are carrier, other"):
        statistics.select(["month"])


def test_statistics_compare_two_runs_and_count_their_rows():
    compared = Statistics({"train": dataset("UA", 5)}).compare(Statistics({"train": dataset("AA", 7)}))
    assert compared.rows == {"before": 7, "now": 5}
    with pytest.raises(UsageError, match="carrier has no quantiles"):
        compared.quantiles("carrier")


def test_hostile_values_are_escaped():
    shown = Statistics({HOSTILE_TEXT: dataset(HOSTILE_TEXT)})
    assert "<script" not in shown._repr_html_()
    [first, *_] = parse_svgs(shown)
    assert "<script>" in "".join(first.itertext())  # as text of the drawing
    assert not list(first.iter("{*}script"))
    assert "<script" not in html_table((HOSTILE_TEXT,), [(HOSTILE_TEXT,)])


def test_metrics_are_drawn_by_slice_and_listed_with_the_champion():
    evaluation = make_summary().evaluation
    [svg] = parse_svgs(draw_by_slice(evaluation, "auc"))
    assert "JFK" in "".join(svg.itertext())
    table = Metrics("first", evaluation).to_pandas()
    assert list(table.index) == ["overall", "origin=JFK", "origin=LGA"]
    assert table.loc["origin=LGA", "auc"] == 0.9
    assert table.loc["overall", "champion auc"] == 0.94


def test_anomalies_are_a_list_over_all_splits():
    proto = anomalies_pb2.Anomalies()
    proto.anomaly_info["channel"].short_description = "Unexpected string values"
    proto.anomaly_info["channel"].description = "kiosk"
    found = Anomalies({"train": proto, "eval": anomalies_pb2.Anomalies()})
    assert len(found) == 1
    assert (found[0].split, found[0].feature, found[0].problem) == ("train", "channel", "Unexpected string values")
    assert "kiosk" in found._repr_html_()
    assert repr(found) == "<1 anomaly in train, eval>"
    assert "no anomalies" in Anomalies({"train": anomalies_pb2.Anomalies()})._repr_html_()


def test_a_table_leaves_out_columns_without_a_value():
    page = html_table(("metric", "champion", "rows"), [("auc", None, 1200), ("recall", None, None)])
    assert "champion" not in page
    assert "1,200" in page


def test_an_empty_chart_shows_that_there_is_nothing_to_draw():
    assert "nothing to draw" in Pictures.from_charts({"ROC": Markup("")})._repr_html_()
