"""A release as an MLflow model: `mlflow.pyfunc.load_model("models:/flights@champion").predict(rows)`.

This file is logged with the model and runs where the model is loaded: it needs only MLflow, pandas and TensorFlow.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext


class ServedModel(PythonModel):
    """Predicts rows of named raw columns with the signature `serving_default` of the SavedModel."""

    def load_context(self, context: PythonModelContext) -> None:
        import tensorflow as tf

        self.tf = tf
        self.columns: Mapping[str, str] = context.model_config["columns"]  # name → int, float or bytes
        self.model = tf.saved_model.load(context.artifacts["saved_model"])
        self.serve = self.model.signatures["serving_default"]
        self.argument = next(iter(self.serve.structured_input_signature[1]))

    def predict(  # MLflow requires these argument names
        self,
        context: PythonModelContext,  # noqa: ARG002
        model_input: pd.DataFrame,
        params: Any = None,  # noqa: ARG002
    ) -> pd.DataFrame:
        """One row of predictions for each row of `model_input`; missing columns, None and NaN are missing values.

        Raises:
            ValueError: a value is not of its column's type.
        """
        names = [name for name in self.columns if name in model_input]
        rows = zip(*(model_input[name] for name in names), strict=True) if names else iter([()] * len(model_input))
        examples = [self._example(dict(zip(names, row, strict=True))) for row in rows]
        outputs = self.serve(**{self.argument: self.tf.constant(examples, self.tf.string)})
        found = {name: output.numpy().reshape(len(examples), -1) for name, output in outputs.items()}
        flat = {
            name if values.shape[1] == 1 else f"{name}_{place}": values[:, place]
            for name, values in found.items()
            for place in range(values.shape[1])
        }
        return pd.DataFrame(flat, index=model_input.index)

    def _example(self, row: Mapping[str, Any]) -> bytes:
        """A serialised tf.Example."""
        train = self.tf.train
        features = {}
        for name, value in row.items():
            if value is None or value is pd.NA or value != value:  # NaN is not itself
                continue
            try:
                features[name] = _to_tf_feature(train, self.columns[name], value)
            except (TypeError, ValueError) as error:
                raise ValueError(f"column {name} takes {self.columns[name]}, not {value!r}") from error
        return bytes(train.Example(features=train.Features(feature=features)).SerializeToString())


def _to_tf_feature(train: Any, kind: str, value: Any) -> Any:
    if kind == "int":
        if int(value) != float(value):
            raise ValueError("it has a fraction")
        return train.Feature(int64_list=train.Int64List(value=[int(value)]))
    if kind == "float":
        return train.Feature(float_list=train.FloatList(value=[float(value)]))
    content = value if isinstance(value, bytes) else str(value).encode()
    return train.Feature(bytes_list=train.BytesList(value=[content]))


set_model(ServedModel())
