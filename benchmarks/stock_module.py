"""User code of the stock TFX baseline, in the style of TFX's taxi template."""

import tensorflow as tf
import tensorflow_transform as tft
import tf_keras as keras
from tfx_bsl.public import tfxio

FLOATS = [
    "dep_delay",
    "distance",
    "sched_dep_time",
    "sched_arr_time",
    "hour",
    "minute",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
    "plane_year",
    "seats",
]
VOCABS = ["carrier", "origin", "dest", "tailnum", "flight", "engine"]
BUCKETS = ["dep_delay", "sched_dep_time", "distance"]
INTS = {"month": 13, "day": 32}
LABEL = "late"
TOP_K, OOV, NUM_BUCKETS, BATCH = 5000, 10, 10, 256


def _dense(x, dtype=None):
    if isinstance(x, tf.sparse.SparseTensor):
        default = "" if x.dtype == tf.string else 0
        x = tf.squeeze(tf.sparse.to_dense(tf.SparseTensor(x.indices, x.values, [x.dense_shape[0], 1]), default), 1)
    return x if dtype is None else tf.cast(x, dtype)


def preprocessing_fn(inputs):
    outputs = {f"{k}_xf": tft.scale_to_z_score(_dense(inputs[k], tf.float32)) for k in FLOATS}
    for k in VOCABS:
        outputs[f"{k}_xf"] = tft.compute_and_apply_vocabulary(_dense(inputs[k]), top_k=TOP_K, num_oov_buckets=OOV)
    for k in BUCKETS:
        outputs[f"{k}_bk"] = tft.bucketize(_dense(inputs[k], tf.float32), NUM_BUCKETS)
    for k in INTS:
        outputs[f"{k}_xf"] = _dense(inputs[k], tf.int64)
    outputs[f"{LABEL}_xf"] = _dense(inputs[LABEL], tf.int64)
    return outputs


def _dataset(files, accessor, schema):
    options = tfxio.TensorFlowDatasetOptions(batch_size=BATCH, label_key=f"{LABEL}_xf")
    return accessor.tf_dataset_factory(files, options, schema).repeat()


def _build_model():
    layers = keras.layers
    inputs = {f"{k}_xf": layers.Input(name=f"{k}_xf", shape=(1,), dtype=tf.float32) for k in FLOATS}
    sizes = {f"{k}_xf": TOP_K + OOV for k in VOCABS}
    wide = {f"{k}_bk": NUM_BUCKETS for k in BUCKETS} | {f"{k}_xf": n for k, n in INTS.items()}
    for name in [*sizes, *wide]:
        inputs[name] = layers.Input(name=name, shape=(1,), dtype=tf.int64)
    deep = layers.concatenate(
        [inputs[f"{k}_xf"] for k in FLOATS]
        + [layers.Flatten()(layers.Embedding(n, 8)(inputs[name])) for name, n in sizes.items()]
    )
    for units in (64, 32):
        deep = layers.Dense(units, activation="relu")(deep)
    crossed = layers.concatenate([layers.CategoryEncoding(num_tokens=n)(inputs[name]) for name, n in wide.items()])
    output = layers.Dense(1, activation="sigmoid")(layers.concatenate([deep, crossed]))
    model = keras.Model(inputs, output)
    model.compile(
        loss="binary_crossentropy",
        optimizer=keras.optimizers.Adam(1e-3),
        metrics=[keras.metrics.BinaryAccuracy(), keras.metrics.AUC()],
    )
    return model


def run_fn(fn_args):
    transform = tft.TFTransformOutput(fn_args.transform_output)
    schema = transform.transformed_metadata.schema
    train = _dataset(fn_args.train_files, fn_args.data_accessor, schema)
    evaluation = _dataset(fn_args.eval_files, fn_args.data_accessor, schema)
    model = _build_model()
    model.fit(
        train,
        steps_per_epoch=fn_args.train_steps,
        validation_data=evaluation,
        validation_steps=fn_args.eval_steps,
        verbose=2,
    )
    model.tft_serving = transform.transform_features_layer()
    model.tft_eval = transform.transform_features_layer()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples):
        spec = transform.raw_feature_spec()
        spec.pop(LABEL)
        return {"outputs": model(model.tft_serving(tf.io.parse_example(examples, spec)))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def transform_features(examples):
        return model.tft_eval(tf.io.parse_example(examples, transform.raw_feature_spec()))

    tf.saved_model.save(
        model,
        fn_args.serving_model_dir,
        signatures={"serving_default": serve, "transform_features": transform_features},
    )
