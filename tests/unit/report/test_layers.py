from itertools import pairwise

from pipeline.report.layers import Via, lay_out, reduced

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


def test_every_edge_goes_down_one_layer_at_a_time():
    layout = lay_out(DAG)
    depth = depth_of(layout)
    for stops in layout.edges:
        assert [depth[below] - depth[above] for above, below in pairwise(stops)] == [1] * (len(stops) - 1)
        assert all(isinstance(stop, Via) for stop in stops[1:-1])
    assert {(stops[0], stops[-1]) for stops in layout.edges} == {(up, n) for n, ups in DAG.items() for up in ups}


def test_what_depends_on_nothing_stands_above_what_needs_it():
    depth = depth_of(lay_out(DAG))
    assert depth["Champion"] == depth["Evaluator"] - 1
    assert depth["Schema"] == depth["Gate"] - 1


def test_no_edge_that_a_longer_way_says():
    assert reduced(DAG)["Gate"] == ["Schema", "Statistics"]
    assert reduced(DAG)["Evaluator"] == ["Trainer", "Champion"]


def test_nothing_a_stranger_and_a_cycle():
    assert lay_out({}).layers == []
    assert lay_out({"a": ["elsewhere"]}).edges == []
    assert {
        stop for layer in lay_out({"a": ["b"], "b": ["a"]}).layers for stop in layer if not isinstance(stop, Via)
    } == {
        "a",
        "b",
    }
    assert set(reduced({"a": ["b"], "b": ["a"]})) == {"a", "b"}
