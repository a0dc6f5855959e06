"""Transform without Beam: TFT's own analysis graph and analyzers, run over batches in this process.

`run(job)` writes what stock Transform writes, or raises `Unsupported` before it has written anything.
"""
