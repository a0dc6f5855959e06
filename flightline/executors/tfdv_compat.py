"""What differs between the two TFX lines in the libraries that steps compute with.

Beside `compat`, since it imports nothing of ours: a step's cache key has all the code that the step imports.
"""

from __future__ import annotations

import tensorflow_data_validation as tfdv


def slice_sqls(options: tfdv.StatsOptions) -> list[str]:
    """The SQL queries that statistics are sliced by; TFDV 1.21, without ZetaSQL, has no such option."""
    return list(getattr(options, "experimental_slice_sqls", None) or ())
