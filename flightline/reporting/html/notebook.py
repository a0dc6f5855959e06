"""The report's charts and tables in a notebook: pictures that carry their own style and fetch nothing."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from flightline.metadata.evaluation import OVERALL, Evaluation
from flightline.reporting.html.charts.distributions import distribution_chart
from flightline.reporting.html.charts.slices import group_slices, metric_by_slice
from flightline.reporting.html.statistics import Statistics, summarize_features
from flightline.reporting.html.svg import shorten, tag
from flightline.reporting.html.view_model import slice_table

STYLE_SHEETS = [Path(__file__).parent / "templates" / name for name in ("colours.css", "charts.css")]
_VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')


@dataclass(frozen=True)
class Picture:
    """A chart with what is said over and under it."""

    title: str
    chart: Markup
    note: str = ""

    def image(self) -> Markup:
        """As an image: no style of the page reaches into it, and none of its own gets out."""
        found = _VIEW_BOX.search(self.chart)
        if found is None:  # a chart of which there was nothing to draw
            return tag("p", "nothing to draw")
        style = tag("style", Markup("".join(path.read_text(encoding="utf-8") for path in STYLE_SHEETS)))  # noqa: S704 - ours
        opening, rest = self.chart.split(">", 1)
        svg = f'{opening} xmlns="http://www.w3.org/2000/svg" width="{found[1]}" height="{found[2]}">{style}{rest}'
        source = f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
        return tag("img", src=source, alt=self.title, style="background: #fff; max-width: none")


@dataclass(frozen=True)
class Pictures:
    """Charts side by side, as many as there is room for."""

    pictures: list[Picture]

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


def pictures(charts: Mapping[str, Markup]) -> Pictures:
    """Charts of `flightline.reporting.html.charts` under their titles."""
    return Pictures([Picture(title, chart) for title, chart in charts.items()])


def distributions(statistics: Mapping[str, Statistics], only: Collection[str] = ()) -> Pictures:
    """Every feature's distribution (or that of `only` some): filled for the first of `statistics`, a line for others.

    Args:
        statistics: TFDV's, by a name: `{"train": run.statistics("train"), "eval": run.statistics("eval")}`.
    """
    features = [f for f in summarize_features(statistics, lambda _: "feature") if not only or f.name in only]
    drawn = []
    for feature in sorted(features, key=lambda f: list(only).index(f.name) if only else 0):
        missing = {name: split.missing / max(split.rows, 1) for name, split in feature.splits.items()}
        note = ", ".join(f"{name}: {share:.1%} missing" for name, share in missing.items() if share)
        drawn.append(Picture(shorten(feature.name), distribution_chart(feature), note))
    return Pictures(drawn)


def by_slice(evaluation: Evaluation, metric: str) -> Pictures:
    """A metric on every slice: a dot each, a ring for the champion, all rows as a dashed line."""
    groups = group_slices(evaluation)
    return Pictures([Picture(f"{metric} by {g.columns}", metric_by_slice(evaluation, metric, g)) for g in groups])


def metrics(evaluation: Evaluation) -> pd.DataFrame:
    """Every metric of every slice, all rows first; the champion's are columns of their own."""
    names = [OVERALL, *slice_table(evaluation).names]
    table = pd.DataFrame({name: evaluation.metrics[name] for name in names}).T
    if evaluation.champion:
        champion = pd.DataFrame({name: evaluation.champion.get(name, {}) for name in names}).T
        table = table.join(champion.drop(columns="example_count", errors="ignore").add_prefix("champion "))
    return table.rename_axis("slice")


def table(entries: Iterable[Any]) -> pd.DataFrame:
    """Dataclasses (checks, changes, artifacts, ...) as rows; what is empty in all of them is left out."""
    rows = pd.DataFrame([asdict(entry) for entry in entries])
    return rows.dropna(axis="columns", how="all")
