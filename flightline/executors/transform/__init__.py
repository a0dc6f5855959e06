"""Transform without Beam: TFT's own analysis graph and analyzers, run over batches in this process.

`engine.run_transform(job)` writes what TFX's own ("stock") Transform writes, or raises `UnsupportedTransformError`
before it has written anything.
"""
