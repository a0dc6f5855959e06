"""Columns of a window: what was answered, by which release, as the prediction log and the DAG name them."""

from __future__ import annotations

PROBABILITY, PREDICTION, CLASS = "_probability", "_prediction", "_class"  # what was answered, as the log has it


VERSION, ANSWER = "_version", "_answer"


CONSTANT_ONE = "_certain"  # 1.0: that the answered class is the label, which is then 1 or 0


SERVED, SHADOW = "served", "shadow"  # values of `_answer`: was it returned, or given aside


STATISTICS_SPLIT = "train"  # drawn by a hash of the row: as good as all of them
