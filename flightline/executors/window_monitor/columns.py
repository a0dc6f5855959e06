"""Names of the columns and splits of a monitoring window, shared by the prediction log and the monitoring DAG."""

from __future__ import annotations

# The prediction, as the prediction log names it.
PROBABILITY, PREDICTION, CLASS = "_probability", "_prediction", "_class"

VERSION, SOURCE = "_version", "_source"

SERVED, SHADOW = "served", "shadow"  # values of `_source`: returned to the client, or logged only

# Multiclass logs keep one probability only, so accuracy is measured as a binary problem: the label is 1 where the
# predicted class is right, and this column is the matching prediction, always 1.0.
CONSTANT_ONE = "_constant_one"

STATISTICS_SPLIT = "train"  # chosen by a hash of the row, so it represents all rows
