"""The training pipeline compiles, without running anything."""

from pathlib import Path

import pytest
from tfx.dsl.compiler import compiler

from pipeline.training import create_pipeline


@pytest.fixture
def nodes(load, tmp_path: Path) -> list[str]:
    """The nodes of the compiled pipeline, in the order in which they run."""
    name = load().data.glob.replace("*", "1").replace("?", "1")
    (tmp_path / "data" / name).parent.mkdir(parents=True)
    (tmp_path / "data" / name).touch()
    config = load(f"data.input={tmp_path / 'data'}", f"workspace={tmp_path / 'workspace'}")
    compiled = compiler.Compiler().compile(create_pipeline(config))
    return [node.pipeline_node.node_info.id for node in compiled.nodes]


def test_every_step_is_in_the_dag_in_order(nodes):
    steps = ["ExampleGen", "StatisticsGen", "ExampleValidator", "DataGate", "Transform", "Trainer", "Evaluator"]
    assert [node for node in nodes if node in steps] == steps


def test_a_model_is_checked_before_it_is_released(nodes):
    assert nodes.index("ServingCheck") < nodes.index("Pusher")
    assert nodes.index("Evaluator") < nodes.index("Pusher")
