"""CSV and Parquet files into tf.Examples, split as stock TFX splits them, block by block on Arrow."""
