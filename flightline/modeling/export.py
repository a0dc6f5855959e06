"""Writes the SavedModel that Evaluator, BulkInferrer, TF Serving and MLServer load."""

import keras
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform.saved.saved_transform_io_v2 import SavedModelLoader

from flightline.config.feature_plan import FeaturePlan
from flightline.modeling.model_io import model_inputs
from flightline.modeling.objective import Objective
from flightline.modeling.tree_blend import TreeEnsembleBlend

SERVING_SIGNATURE, TRANSFORM_SIGNATURE = "serving_default", "transform_features"
PROBABILITIES_OUTPUT, PREDICTIONS_OUTPUT = "probabilities", "predictions"  # outputs of serving_default


def export_model(
    model: keras.Model,
    tree_blend: TreeEnsembleBlend | None,
    plan: FeaturePlan,
    objective: Objective,
    transform: tft.TFTransformOutput,
    directory: str,
) -> None:
    """Save the transform graph and the model as one SavedModel. Two signatures take `examples`, string [batch].

    Its predictions are those of the network (`model`), blended with those of the trees where there is a `tree_blend`.

    - `serving_default`: serialized raw tf.Examples, with or without a label, to {"probabilities": float32 [batch, 1]},
      {"probabilities": float32 [batch, classes]} for several classes, or {"predictions": float32 [batch, 1]} for a
      regression.
    - `transform_features`: serialized raw tf.Examples with a label to the transformed columns, each [batch].

    Examples need only the columns of the plan.
    """
    raw_spec = transform.raw_feature_spec()
    spec = {name: raw_spec[name] for name in plan.raw_names}
    labelled_spec = spec | {plan.label: raw_spec[plan.label]}
    # `transform_features_layer` wraps this loader in a tf_keras model, which takes seconds to save and adds functions.
    loader = SavedModelLoader(transform.transform_savedmodel_dir)
    output = PREDICTIONS_OUTPUT if plan.target.task == "regression" else PROBABILITIES_OUTPUT
    examples_signature = [tf.TensorSpec([None], tf.string, name="examples")]

    @tf.function(input_signature=examples_signature, autograph=False)
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        columns = loader.apply_transform_model(tf.io.parse_example(examples, spec))
        inputs = model_inputs(plan, columns)
        predictions = objective.predictions(model(inputs, training=False))
        if tree_blend is not None:
            predictions = tree_blend.blend(predictions, objective.predictions(tree_blend.trees(inputs)))
        return {output: predictions}

    @tf.function(input_signature=examples_signature, autograph=False)
    def transform_features(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return loader.apply_transform_model(tf.io.parse_example(examples, labelled_spec))

    module = tf.Module()
    # The tf.Variables themselves: with Keras' wrappers, C++ consumers of the SavedModel "could not find variable".
    module.weights = [variable.value for variable in model.variables]
    module.trees = tree_blend.trees if tree_blend is not None else None
    module.transform = vars(loader)  # its lookup tables and their assets
    tf.saved_model.save(
        module, directory, signatures={SERVING_SIGNATURE: serve, TRANSFORM_SIGNATURE: transform_features}
    )
