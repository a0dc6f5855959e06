"""User code of the Transform tests: preprocessing functions, found by their dotted paths."""

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft


def dense(column, default):
    if isinstance(column, tf.SparseTensor):
        shape = [column.dense_shape[0], 1]
        column = tf.sparse.to_dense(tf.SparseTensor(column.indices, column.values, shape), default)
    return tf.reshape(column, [-1])


def everything(inputs, custom_config):
    """Each analyzer that the fast executor takes, on dense and on sparse features."""
    amount = dense(inputs["amount"], 0.0)
    count = tf.cast(dense(inputs["count"], -1), tf.float32)
    city, code = dense(inputs["city"], ""), dense(inputs["code"], -1)
    buckets = custom_config["buckets"]
    known = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["Rome", "Oslo"], [2.0, 5.0]), 0.0)
    per_key = tft.scale_to_z_score_per_key(count, city)
    outputs = {
        "z": tft.scale_to_z_score(amount),
        "z_present": dense(tft.scale_to_z_score(inputs["amount"]), -9.0),
        "unit": tft.scale_to_0_1(count),
        "z_by_city": tf.where(tf.math.is_finite(per_key), per_key, 0.0),
        "z_looked_up": tft.scale_to_z_score(known.lookup(city)),
        "z_pair": tft.scale_to_z_score(inputs["pair"], elementwise=True),
        "share": amount / tft.sum(amount) + tf.cast(tft.size(count), tf.float32),
        "mean": amount - tft.mean(inputs["fixed"]),
        "bucket": tft.bucketize(amount, buckets),
        "bucket_present": dense(tft.bucketize(inputs["amount"], 4), -1),
        "bucket_by_city": tft.bucketize_per_key(count, city, 3),
        "from_quantiles": tft.apply_buckets(count, tft.quantiles(count, 7, 0.01)),
        "city": tft.compute_and_apply_vocabulary(city, top_k=5, num_oov_buckets=3),
        "city_present": dense(tft.compute_and_apply_vocabulary(inputs["city"], frequency_threshold=150), -2),
        "code": tft.compute_and_apply_vocabulary(code, num_oov_buckets=1, vocab_filename="codes"),
        "shuffled": tft.compute_and_apply_vocabulary(city, fingerprint_shuffle=True, store_frequency=True),
        "raw_city": city,
        "raw_code": code,
        "pair": inputs["pair"],
    }
    tft.vocabulary(city, weights=inputs["fixed"], vocab_filename="weighted", top_k=4)
    return outputs


def two_phases(inputs):
    """An analyzer over the result of another, and over a vocabulary's ids."""
    amount = dense(inputs["amount"], 0.0)
    ids = tft.compute_and_apply_vocabulary(dense(inputs["city"], ""), num_oov_buckets=1)
    return {"z": tft.scale_to_z_score(tf.minimum(amount, tft.mean(amount))), "share": tft.scale_to_0_1(ids)}


def small(inputs):
    return {
        "z": tft.scale_to_z_score(dense(inputs["amount"], 0.0)),
        "city": tft.compute_and_apply_vocabulary(dense(inputs["city"], ""), top_k=3),
    }


def sparse_output(inputs):
    return {"amount": inputs["amount"], "z": tft.scale_to_z_score(inputs["fixed"])}


def ragged_output(inputs):
    return {"amount": tf.RaggedTensor.from_sparse(inputs["amount"])}


def user_ptransform(inputs):
    class Largest(beam.PTransform):
        def expand(self, batches):
            return batches | beam.Map(lambda batch: batch[0].max()) | beam.CombineGlobally(max)

    (largest,) = tft.experimental.ptransform_analyzer([inputs["fixed"]], Largest(), [tf.float32], [[]])
    return {"fixed": inputs["fixed"] / largest}


def vocabulary_by_label(inputs):
    ids = tft.compute_and_apply_vocabulary(dense(inputs["city"], ""), labels=dense(inputs["count"], 0), top_k=3)
    return {"city": ids}


def vocabulary_by_coverage(inputs):
    ids = tft.compute_and_apply_vocabulary(
        dense(inputs["city"], ""), top_k=3, coverage_top_k=1, key_fn=lambda token: token[:1]
    )
    return {"city": ids}
