"""The SavedModel that Evaluator, BulkInferrer, TF Serving and MLServer load alike."""

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader

from flightline.config.feature_plan import FeaturePlan
from flightline.modeling.objective import Objective
from flightline.modeling.training_data import model_inputs
from flightline.modeling.tree_blend import TreeEnsembleBlend

SERVING_SIGNATURE, TRANSFORM_SIGNATURE = "serving_default", "transform_features"  # the signatures
PROBABILITIES_OUTPUT, PREDICTIONS_OUTPUT = "probabilities", "predictions"  # the one output of serving_default


def export_model(
    model: keras.Model,
    beside: TreeEnsembleBlend | None,
    plan: FeaturePlan,
    objective: Objective,
    transform: tft.TFTransformOutput,
    directory: str,
) -> None:
    """Saves the model behind the transform graph, with two signatures that take `examples`: string [batch].

    What it answers is the network's (`model`), blended with that of the trees beside it, where there are any.

    - `serving_default`: serialised raw tf.Examples, with or without a label, to {"probabilities": float32 [batch, 1]},
      {"probabilities": float32 [batch, classes]} for several classes, {"predictions": float32 [batch, 1]} for amounts.
    - `transform_features`: labelled raw tf.Examples to the transformed columns, each [batch], label included.

    Examples need the columns of the plan only.
    """
    raw_spec = transform.raw_feature_spec()
    spec = {name: raw_spec[name] for name in plan.raw_names}
    labelled_spec = spec | {plan.label: raw_spec[plan.label]}
    # What `transform_features_layer` wraps in a tf_keras model, whose saving takes seconds and leaves extra functions.
    loader = SavedModelLoader(transform.transform_savedmodel_dir)
    output = PREDICTIONS_OUTPUT if plan.target.task == "regression" else PROBABILITIES_OUTPUT
    examples_signature = [tf.TensorSpec([None], tf.string, name="examples")]

    @tf.function(input_signature=examples_signature, autograph=False)
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        columns = loader.apply_transform_model(tf.io.parse_example(examples, spec))
        inputs = model_inputs(plan, columns)
        answer = objective.answer(model(inputs, training=False))
        if beside is not None:
            answer = beside.blend(answer, objective.answer(beside.trees(inputs)))
        return {output: answer}

    @tf.function(input_signature=examples_signature, autograph=False)
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return loader.apply_transform_model(tf.io.parse_example(examples, labelled_spec))

    module = tf.Module()
    # The tf.Variables themselves: when Keras' own wrappers are saved, C++ consumers "could not find variable".
    module.weights = [variable.value for variable in model.variables]
    module.trees = beside.trees if beside is not None else None
    module.transform = vars(loader)  # its tables and their assets
    tf.saved_model.save(
        module, directory, signatures={SERVING_SIGNATURE: serve, TRANSFORM_SIGNATURE: transform_features}
    )
