from itertools import pairwise

from flightline.reporting.html.graph_layout import DummyNode, layout_graph, transitive_reduction

DAG = {
    "ExampleGen": [],
    "Schema": [],
    "Statistics": ["ExampleGen"],
    "Gate": ["ExampleGen", "Schema", "Statistics"],
    "Trainer": ["ExampleGen", "Gate"],
    "Champion": [],
    "Evaluator": ["ExampleGen", "Trainer", "Champion"],
}


def depth_of(layout):
    return {stop: depth for depth, layer in enumerate(layout.layers) for stop in layer}


def test_edges_go_down_one_layer_at_a_time():
    layout = layout_graph(DAG)
    depth = depth_of(layout)
    for stops in layout.edges:
        assert [depth[below] - depth[above] for above, below in pairwise(stops)] == [1] * (len(stops) - 1)
        assert all(isinstance(stop, DummyNode) for stop in stops[1:-1])
    assert {(stops[0], stops[-1]) for stops in layout.edges} == {(up, n) for n, ups in DAG.items() for up in ups}


def test_node_without_dependencies_is_right_above_the_first_that_needs_it():
    depth = depth_of(layout_graph(DAG))
    assert depth["Champion"] == depth["Evaluator"] - 1
    assert depth["Schema"] == depth["Gate"] - 1


def test_transitive_reduction_drops_edges_that_a_longer_path_implies():
    assert transitive_reduction(DAG)["Gate"] == ["Schema", "Statistics"]
    assert transitive_reduction(DAG)["Evaluator"] == ["Trainer", "Champion"]


def test_empty_graph_unknown_node_and_cycle():
    assert layout_graph({}).layers == []
    assert layout_graph({"a": ["elsewhere"]}).edges == []
    assert {
        stop
        for layer in layout_graph({"a": ["b"], "b": ["a"]}).layers
        for stop in layer
        if not isinstance(stop, DummyNode)
    } == {
        "a",
        "b",
    }
    assert set(transitive_reduction({"a": ["b"], "b": ["a"]})) == {"a", "b"}
