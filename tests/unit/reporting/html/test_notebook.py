import base64
import re
from xml.etree import ElementTree

from report_examples import HOSTILE_TEXT, make_report_data, make_summary
from tensorflow_metadata.proto.v0 import statistics_pb2

from flightline.metadata.evaluation import MissedThreshold
from flightline.reporting.html import notebook
from flightline.reporting.html.charts.dag import dag_chart

SOURCE = re.compile(r'src="data:image/svg\+xml;base64,([^"]+)"')


def drawn(pictures):
    """The SVG documents of some pictures, parsed."""
    return [ElementTree.fromstring(base64.b64decode(found)) for found in SOURCE.findall(pictures._repr_html_())]


def statistics(word, rows=10):
    dataset = statistics_pb2.DatasetFeatureStatistics(num_examples=rows)
    feature = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    feature.path.step.append("carrier")
    feature.string_stats.unique = 1
    feature.string_stats.common_stats.num_non_missing = rows
    feature.string_stats.common_stats.tot_num_values = rows
    feature.string_stats.rank_histogram.buckets.add(label=word, sample_count=rows)
    other = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
    other.path.step.append("other")
    return dataset


def test_picture_is_a_complete_document_with_its_own_style():
    [svg] = drawn(notebook.pictures({"The steps": dag_chart(make_report_data().steps)}))
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert "--blue:" in svg.find("{*}style").text
    assert float(svg.get("width")) > 100


def test_distributions_of_all_or_selected_features():
    pair = {"train": statistics("UA"), "eval": statistics("AA")}
    assert [picture.title for picture in notebook.distributions(pair).pictures] == ["carrier", "other"]
    [only] = notebook.distributions(pair, only=["carrier"]).pictures
    assert "UA" in only.chart
    assert [p.title for p in notebook.distributions(pair, only=["other", "carrier"]).pictures] == ["other", "carrier"]


def test_hostile_values_stay_text():
    shown = notebook.distributions({HOSTILE_TEXT: statistics(HOSTILE_TEXT)})
    assert "<script" not in shown._repr_html_()
    [first, *_] = drawn(shown)
    assert "<script>" in "".join(first.itertext())  # as text of the drawing
    assert not list(first.iter("{*}script"))


def test_metric_by_slice_and_table_with_the_champion():
    evaluation = make_summary().evaluation
    [svg] = drawn(notebook.by_slice(evaluation, "auc"))
    assert "JFK" in "".join(svg.itertext())
    table = notebook.metrics(evaluation)
    assert list(table.index) == ["overall", "origin=JFK", "origin=LGA"]
    assert table.loc["origin=LGA", "auc"] == 0.9
    assert table.loc["overall", "champion auc"] == 0.94


def test_table_of_dataclasses_drops_empty_columns():
    table = notebook.table([MissedThreshold("auc", "overall", None, "≥", 0.9)])
    assert list(table.columns) == ["metric", "slice", "comparison", "threshold", "against_champion"]
    assert notebook.table([]).empty


def test_empty_chart_shows_nothing_to_draw():
    from markupsafe import Markup

    assert "nothing to draw" in notebook.pictures({"ROC": Markup("")})._repr_html_()
