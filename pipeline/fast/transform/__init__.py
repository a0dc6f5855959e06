"""Transform without Beam: TFT's own analysis graph and analyzers, run over batches in this process.

`run(job)` writes what stock Transform writes, or raises `Unsupported` before it has written anything.
"""

from pipeline.fast.transform.engine import run
from pipeline.fast.transform.job import Job, Source, Statistics
from pipeline.fast.transform.support import Unsupported

__all__ = ["Job", "Source", "Statistics", "Unsupported", "run"]
