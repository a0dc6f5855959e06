"""The component: a standard Transform in all but its executor."""

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
    ours, theirs = make(Transform), make(StockTransform)
    assert (ours.id, ours.type) == (theirs.id, theirs.type) == ("Transform", StockTransform.get_class_type())
    assert ours.outputs.keys() == theirs.outputs.keys()
    assert ours.exec_properties == theirs.exec_properties


def test_the_executor_is_the_fast_one():
    assert make(Transform).executor_spec.executor_class is FastTransformExecutor
