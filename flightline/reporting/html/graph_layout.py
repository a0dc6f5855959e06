"""Layout of a small directed graph, top to bottom: each node is one layer below its lowest dependency."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Upstream = Mapping[Hashable, Sequence[Hashable]]
SORT_SWEEPS = 6


@dataclass(frozen=True)
class DummyNode:
    """The place where an edge passes through a layer between its two ends."""

    above: Hashable
    below: Hashable
    layer: int


@dataclass(frozen=True)
class Layout:
    """Layers of nodes and dummy nodes, each from left to right; `edges` has all nodes that an edge passes."""

    layers: list[list[Hashable]]
    edges: list[list[Hashable]]


def layout_graph(upstream: Upstream) -> Layout:
    """Places the nodes so that edges are short and rarely cross.

    Args:
        upstream: node → the nodes above it; nodes that are not keys are left out. Cycles are cut.
    """
    parents = _parents(upstream)
    depth = _layer_numbers(parents)
    layers: list[list[Hashable]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in parents:
        layers[depth[node]].append(node)
    edges: list[list[Hashable]] = []
    for node, ups in parents.items():
        for up in ups:
            if depth[up] < depth[node]:
                dummies = [DummyNode(up, node, layer) for layer in range(depth[up] + 1, depth[node])]
                for dummy in dummies:
                    layers[dummy.layer].append(dummy)
                edges.append([up, *dummies, node])
    _reduce_crossings(layers, edges)
    return Layout(layers, edges)


def transitive_reduction(upstream: Upstream) -> dict[Hashable, list[Hashable]]:
    """The graph without the edges that a longer path implies."""
    parents = _parents(upstream)
    ancestors_of: dict[Hashable, set[Hashable]] = {}

    def ancestors(node: Hashable, below: frozenset[Hashable]) -> set[Hashable]:
        if node not in ancestors_of:
            ups = [up for up in parents[node] if up not in below]
            ancestors_of[node] = set(ups).union(*(ancestors(up, below | {node}) for up in ups))
        return ancestors_of[node]

    for node in parents:
        ancestors(node, frozenset({node}))
    return {
        node: [up for up in ups if not any(up in ancestors_of[other] for other in ups if other != up)]
        for node, ups in parents.items()
    }


def _parents(upstream: Upstream) -> dict[Hashable, list[Hashable]]:
    return {node: [up for up in dict.fromkeys(ups) if up in upstream and up != node] for node, ups in upstream.items()}


def _layer_numbers(parents: Upstream) -> dict[Hashable, int]:
    depth: dict[Hashable, int] = {}

    def measure(node: Hashable, below: frozenset[Hashable]) -> int:
        if node in below:
            return -1
        if node not in depth:
            depth[node] = 1 + max((measure(up, below | {node}) for up in parents[node]), default=-1)
        return depth[node]

    for node in parents:
        measure(node, frozenset())
    for node, ups in parents.items():  # a node without dependencies goes right above the first that needs it
        below = [depth[child] for child, of_child in parents.items() if node in of_child]
        if not ups and below:
            depth[node] = max(0, min(below) - 1)
    return depth


def _reduce_crossings(layers: list[list[Hashable]], edges: Sequence[Sequence[Hashable]]) -> None:
    """Sorts the layers in place, downwards and upwards in turn, by the mean position of each node's neighbours."""
    above: dict[Hashable, list[Hashable]] = {}
    below: dict[Hashable, list[Hashable]] = {}
    for stops in edges:
        for up, down in pairwise(stops):
            above.setdefault(down, []).append(up)
            below.setdefault(up, []).append(down)
    for sweep in range(SORT_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            position = {stop: (i + 0.5) / len(row) for row in layers for i, stop in enumerate(row)}
            centre = {s: [position[n] for n in neighbours.get(s, [])] or [position[s]] for s in layer}
            layer.sort(key=lambda stop, centre=centre: sum(centre[stop]) / len(centre[stop]))  # type: ignore[misc]
