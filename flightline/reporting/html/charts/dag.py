"""Charts of the DAG with the states of its steps, and of the lineage of artifacts: boxes in layers, top to bottom."""

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
    """Every step with its state and duration."""
    by_node = {step.node: step for step in steps}

    def box(node: str, x: float, y: float) -> Markup:
        step = by_node[node]
        duration = "" if step.state == "not run" else f", {format_duration(step.seconds)}"
        state = step.state.replace(" ", "-")
        return _box(x, y, node, f"{STATE_SYMBOLS.get(step.state, '?')} {step.state}{duration}", f"state-{state}")

    return _draw_graph(
        transitive_reduction({step.node: step.upstream for step in steps}),
        box,
        "The steps of the DAG and their states",
    )


def lineage_chart(artifacts: Sequence[ArtifactFacts], run_id: str) -> Markup:
    """Artifacts, each below the ones that it was made from."""
    by_id = {artifact.id: artifact for artifact in artifacts}

    def box(artifact_id: int, x: float, y: float) -> Markup:
        artifact = by_id[artifact_id]
        earlier = artifact.run_id and artifact.run_id != run_id
        second = artifact.run_id if earlier else f"by {artifact.node}"
        return _box(x, y, f"{artifact.type} {artifact_id}", second, "state-cached" if earlier else "state-this-run")

    label = "Lineage of the last artifact"
    return _draw_graph({artifact.id: artifact.input_ids for artifact in artifacts}, box, label)


def _draw_graph(upstream: Upstream, box: Callable[[Any, float, float], Markup], label: str) -> Markup:
    layout = layout_graph(upstream)
    if not layout.layers:
        return Markup("")
    rows = [[DUMMY_WIDTH if isinstance(stop, DummyNode) else BOX_WIDTH for stop in layer] for layer in layout.layers]
    width = max(sum(row) + GAP_X * (len(row) - 1) for row in rows) + 4
    tops: dict[Hashable, tuple[float, float]] = {}  # the top centre of each node
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
    """A curve from the bottom of the first node to the top of the last, straight through the dummy nodes between."""
    x, y = tops[0][0], tops[0][1] + BOX_HEIGHT
    commands = f"M{x:g} {y:g}"
    for next_x, next_y in tops[1:]:
        commands += f" C{x:g} {y + GAP_Y / 2:g} {next_x:g} {next_y - GAP_Y / 2:g} {next_x:g} {next_y:g}"
        x, y = next_x, next_y + BOX_HEIGHT
        commands += f" V{y:g}" if (next_x, next_y) != tops[-1] else ""
    return tag("path", d=commands, class_="edge")


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
