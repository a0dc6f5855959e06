"""The component equals the standard Transform except for its executor."""

from tfx import types
from tfx.components import Transform as StockTransform
from tfx.types import standard_artifacts

from flightline.components.fast_transform import FastTransformExecutor, Transform


def make(component_class):
    return component_class(
        examples=types.Channel(type=standard_artifacts.Examples),
        schema=types.Channel(type=standard_artifacts.Schema),
        preprocessing_fn="models.preprocessing.preprocessing_fn",
    )


def test_inputs_outputs_and_type_are_those_of_the_standard_component():
    ours, stock = make(Transform), make(StockTransform)
    assert (ours.id, ours.type) == (stock.id, stock.type) == ("Transform", StockTransform.get_class_type())
    assert ours.outputs.keys() == stock.outputs.keys()
    assert ours.exec_properties == stock.exec_properties


def test_the_component_uses_the_fast_executor():
    assert make(Transform).executor_spec.executor_class is FastTransformExecutor
