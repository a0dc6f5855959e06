"""Laying out a small directed graph, top to bottom: each node one layer below the lowest that it depends on."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Upstream = Mapping[Hashable, Sequence[Hashable]]
SORT_SWEEPS = 6


@dataclass(frozen=True)
class DummyNode:
    """Where an edge passes through a layer that lies between its ends."""

    above: Hashable
    below: Hashable
    layer: int


@dataclass(frozen=True)
class Layout:
    """Layers of nodes and passing edges, in their order from left to right; `edges` names all stops of each edge."""

    layers: list[list[Hashable]]
    edges: list[list[Hashable]]


def layout_graph(upstream: Upstream) -> Layout:
    """Places nodes so that edges are short and seldom cross.

    Args:
        upstream: node → the nodes above it; those that are no key are left out. A cycle is cut where it is met.
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
                vias = [DummyNode(up, node, layer) for layer in range(depth[up] + 1, depth[node])]
                for via in vias:
                    layers[via.layer].append(via)
                edges.append([up, *vias, node])
    _reduce_crossings(layers, edges)
    return Layout(layers, edges)


def transitive_reduction(upstream: Upstream) -> dict[Hashable, list[Hashable]]:
    """The same order with the fewest edges: none that a longer way says already."""
    parents = _parents(upstream)
    over: dict[Hashable, set[Hashable]] = {}

    def ancestors(node: Hashable, below: frozenset[Hashable]) -> set[Hashable]:
        if node not in over:
            ups = [up for up in parents[node] if up not in below]
            over[node] = set(ups).union(*(ancestors(up, below | {node}) for up in ups))
        return over[node]

    for node in parents:
        ancestors(node, frozenset({node}))
    return {node: [up for up in ups if not any(up in over[o] for o in ups if o != up)] for node, ups in parents.items()}


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
    for node, ups in parents.items():  # what depends on nothing goes right above the first that needs it
        below = [depth[child] for child, of_child in parents.items() if node in of_child]
        if not ups and below:
            depth[node] = max(0, min(below) - 1)
    return depth


def _reduce_crossings(layers: list[list[Hashable]], edges: Sequence[Sequence[Hashable]]) -> None:
    """Sorts the layers in place, downwards and upwards in turn, by where the neighbours of each stop are."""
    above: dict[Hashable, list[Hashable]] = {}
    below: dict[Hashable, list[Hashable]] = {}
    for stops in edges:
        for up, down in pairwise(stops):
            above.setdefault(down, []).append(up)
            below.setdefault(up, []).append(down)
    for sweep in range(SORT_SWEEPS):
        neighbours = above if sweep % 2 == 0 else below
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            place = {stop: (i + 0.5) / len(row) for row in layers for i, stop in enumerate(row)}
            centre = {s: [place[n] for n in neighbours.get(s, [])] or [place[s]] for s in layer}
            layer.sort(key=lambda stop, centre=centre: sum(centre[stop]) / len(centre[stop]))  # type: ignore[misc]
