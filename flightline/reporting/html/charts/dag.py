"""The DAG with its states, and what the release was made from: boxes in layers, top to bottom."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from markupsafe import Markup

from flightline.reporting.html.data import ArtifactFacts, StepFacts
from flightline.reporting.html.graph_layout import DummyNode, Upstream, layout_graph, transitive_reduction
from flightline.reporting.html.svg import format_duration, shorten, svg_image, tag, text

BOX_WIDTH, BOX_HEIGHT, DUMMY_WIDTH, GAP_X, GAP_Y = 128, 40, 6, 10, 26
STATE_SYMBOLS = {"ran": "✓", "cached": "↺", "failed": "✕", "canceled": "✕", "running": "…", "not run": "–"}


def dag_chart(steps: Sequence[StepFacts]) -> Markup:
    """Every step with its state and time."""
    by_node = {step.node: step for step in steps}

    def box(node: str, x: float, y: float) -> Markup:
        step = by_node[node]
        took = "" if step.state == "not run" else f", {format_duration(step.seconds)}"
        state = step.state.replace(" ", "-")
        return _box(x, y, node, f"{STATE_SYMBOLS.get(step.state, '?')} {step.state}{took}", f"state-{state}")

    return _draw_graph(
        transitive_reduction({step.node: step.upstream for step in steps}),
        box,
        "The steps of the DAG and what became of them",
    )


def lineage_chart(artifacts: Sequence[ArtifactFacts], run_id: str) -> Markup:
    """Artifacts, each below what it was made from."""
    by_id = {artifact.id: artifact for artifact in artifacts}

    def box(number: int, x: float, y: float) -> Markup:
        artifact = by_id[number]
        earlier = artifact.run_id and artifact.run_id != run_id
        second = artifact.run_id if earlier else f"by {artifact.node}"
        return _box(x, y, f"{artifact.type} {number}", second, "state-cached" if earlier else "state-made")

    label = "The artifacts that the last one was made from"
    return _draw_graph({artifact.id: artifact.made_from for artifact in artifacts}, box, label)


def _draw_graph(upstream: Upstream, box: Callable[[Any, float, float], Markup], label: str) -> Markup:
    layout = layout_graph(upstream)
    if not layout.layers:
        return Markup("")
    rows = [[DUMMY_WIDTH if isinstance(stop, DummyNode) else BOX_WIDTH for stop in layer] for layer in layout.layers]
    width = max(sum(row) + GAP_X * (len(row) - 1) for row in rows) + 4
    tops: dict[Hashable, tuple[float, float]] = {}  # the middle of each stop, at its top
    parts = []
    for depth, (layer, row) in enumerate(zip(layout.layers, rows, strict=True)):
        x, y = (width - sum(row) - GAP_X * (len(row) - 1)) / 2, 2 + depth * (BOX_HEIGHT + GAP_Y)
        for stop, wide in zip(layer, row, strict=True):
            tops[stop] = (x + wide / 2, y)
            if not isinstance(stop, DummyNode):
                parts.append(box(stop, x, y))
            x += wide + GAP_X
    edges = [_edge_path([tops[stop] for stop in stops]) for stops in layout.edges]
    height = len(rows) * (BOX_HEIGHT + GAP_Y) - GAP_Y + 4
    return svg_image(width, height, label, *edges, *parts, class_="graph")


def _edge_path(tops: Sequence[tuple[float, float]]) -> Markup:
    """A curve from the bottom of the first stop to the top of the last, straight through the stops between."""
    x, y = tops[0][0], tops[0][1] + BOX_HEIGHT
    drawn = f"M{x:g} {y:g}"
    for next_x, next_y in tops[1:]:
        drawn += f" C{x:g} {y + GAP_Y / 2:g} {next_x:g} {next_y - GAP_Y / 2:g} {next_x:g} {next_y:g}"
        x, y = next_x, next_y + BOX_HEIGHT
        drawn += f" V{y:g}" if (next_x, next_y) != tops[-1] else ""
    return tag("path", d=drawn, class_="edge")


def _box(x: float, y: float, first: str, second: str, class_: str) -> Markup:
    middle = x + BOX_WIDTH / 2
    return tag(
        "g",
        tag("title", f"{first}: {second}"),
        tag("rect", x=x, y=y, width=BOX_WIDTH, height=BOX_HEIGHT, rx=6),
        text(middle, y + 17, shorten(first, 18), "box-name", "middle"),
        text(middle, y + 32, shorten(second, 20), "box-note", "middle"),
        class_=f"box {class_}",
    )
