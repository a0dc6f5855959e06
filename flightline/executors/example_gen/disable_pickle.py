"""Arrow without pickle: importing this module keeps its older readers from unpickling what a file holds.

Until 14.0.1 a Parquet or Arrow file could name a pickled extension type, and reading its schema ran it
(CVE-2023-47248). TFX 1.16 is bound to Arrow 10.
"""

from __future__ import annotations

import pyarrow as pa

if tuple(map(int, pa.__version__.split(".")[:2])) < (14, 1):
    import pyarrow_hotfix  # noqa: F401 - it works by being imported
