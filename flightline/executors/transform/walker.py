"""Walks TFT's analysis graph node by node, with handlers instead of Beam's PTransforms."""

from collections.abc import Callable, Mapping
from typing import Any

from tensorflow_transform import nodes

from flightline.executors.transform.lazy_values import BatchStream, LazyList
from flightline.executors.transform.supported import UnsupportedTransformError

Value = LazyList | BatchStream
Handler = Callable[..., tuple[Value, ...]]
"""An OperationDef and the values of its inputs → the values of its outputs."""

Handlers = Mapping[type[nodes.OperationDef], Handler]


class Walker(nodes.Visitor):
    """Passes each node's operation to the handler of its type. Visiting reads no data."""

    def __init__(self, handlers: Handlers):
        self._handlers = handlers

    def validate_value(self, value: Any) -> None:
        assert isinstance(value, LazyList | BatchStream), value

    def visit(self, operation_def: nodes.OperationDef, input_values: tuple[Value, ...]) -> tuple[Value, ...]:
        handler = self._handlers.get(type(operation_def))
        if handler is None:
            raise UnsupportedTransformError(f"analyzer node {type(operation_def).__name__} ({operation_def.label})")
        return handler(operation_def, *input_values)
