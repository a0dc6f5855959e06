"""Charts in a notebook: images that carry their own style and fetch nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from markupsafe import Markup

from flightline.metadata.evaluation import Evaluation
from flightline.reporting.html.charts.curves import calibration_chart, loss_chart, roc_chart
from flightline.reporting.html.charts.distributions import distribution_chart
from flightline.reporting.html.charts.slices import group_slices, metric_by_slice
from flightline.reporting.html.data import Feature, ReportData
from flightline.reporting.html.svg import shorten, tag

_STYLE_SHEETS = ("colours.css", "charts.css")  # the report's
_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Picture:
    """A chart with a title above it and a note below the title."""

    title: str
    chart: Markup
    note: str = ""

    def image(self) -> Markup:
        """The chart as an image, so that the page's style and the chart's do not affect each other."""
        found = _VIEW_BOX.search(self.chart)
        if found is None:  # a chart without data is empty
            return tag("p", "nothing to draw")
        opening, rest = self.chart.split(">", 1)
        svg = f'{opening} xmlns="http://www.w3.org/2000/svg" width="{found[1]}" height="{found[2]}">{_style()}{rest}'
        source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
        return tag("img", src=source, alt=self.title, style="background: #fff; max-width: none")


@dataclass(frozen=True)
class Pictures:
    """Charts side by side, as many as there is room for."""

    pictures: list[Picture]

    @classmethod
    def from_charts(cls, charts: Mapping[str, Markup]) -> Pictures:
        """Charts of the report under their titles."""
        return cls([Picture(title, chart) for title, chart in charts.items()])

    def __repr__(self) -> str:
        return f"<{len(self.pictures)} pictures: {', '.join(picture.title for picture in self.pictures)}>"

    def _repr_html_(self) -> str:
        figures = [
            tag(
                "figure",
                tag("figcaption", tag("b", picture.title), tag("div", picture.note) if picture.note else ""),
                picture.image(),
                style="margin: 0 0 12px; width: min-content; max-width: 100%",
            )
            for picture in self.pictures
        ]
        return str(
            tag("div", *figures, style="display: flex; flex-wrap: wrap; gap: 12px 28px; align-items: flex-start")
        )


def draw_distributions(features: Sequence[Feature]) -> Pictures:
    """The distribution of every feature: filled for the first split, a line for the others."""
    drawn = []
    for feature in features:
        missing = {name: split.missing / max(split.rows, 1) for name, split in feature.splits.items()}
        note = ", ".join(f"{name}: {share:.1%} missing" for name, share in missing.items() if share)
        drawn.append(Picture(shorten(feature.name), distribution_chart(feature), note))
    return Pictures(drawn)


def draw_by_slice(evaluation: Evaluation, metric: str) -> Pictures:
    """A metric on every slice: a dot each, a ring for the champion, all rows as a dashed line."""
    groups = group_slices(evaluation)
    return Pictures([Picture(f"{metric} by {g.columns}", metric_by_slice(evaluation, metric, g)) for g in groups])


def draw_curves(report: ReportData) -> Pictures:
    """ROC, calibration and loss curves, as far as the run recorded them."""
    charts = {}
    if report.curves:
        charts = {"ROC": roc_chart(report.curves), "Calibration": calibration_chart(report.curves)}
    if report.training:
        charts["Training loss"] = loss_chart(report.training)
    return Pictures.from_charts(charts)


def _style() -> Markup:
    templates = files("flightline.reporting.html") / "templates"
    return tag("style", Markup("".join((templates / name).read_text(encoding="utf-8") for name in _STYLE_SHEETS)))  # noqa: S704 - our own style sheets
