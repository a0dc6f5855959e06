"""A SavedModel behind MLServer as in its documentation, without contract, log or hot swap: the serving baseline."""

from __future__ import annotations

import tensorflow as tf
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.codecs.base64 import Base64Codec
from mlserver.types import InferenceRequest, InferenceResponse


class BareRuntime(MLModel):
    """Predicts serialized tf.Examples with the signature `serving_default` of the model."""

    async def load(self) -> bool:
        self._loaded = tf.saved_model.load(self.settings.parameters.uri)
        self._predict = self._loaded.signatures["serving_default"]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        [examples] = payload.inputs
        [answer] = self._predict(tf.constant(Base64Codec.decode_input(examples))).values()
        return InferenceResponse(
            id=payload.id,
            model_name=self.name,
            outputs=[NumpyCodec.encode_output("probabilities", answer.numpy())],
        )
