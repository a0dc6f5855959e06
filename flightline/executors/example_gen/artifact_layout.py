"""Names and limits of an Examples artifact of ExampleGen, for the steps that read it."""

from __future__ import annotations

SHARD_FILE_NAME = "data_tfrecord-00000-of-00001.gz"  # in the folder of each split
REJECTED_FILE = "rejected/rejected.csv"  # the rejected rows, with the columns of `rejects.Reject` and their file
FILE_COLUMN, LINE_COLUMN = "_file", "_line"  # the row-id features of an example: the row's file and its line there
MAX_RECORD_BYTES = 16 << 20  # a longer CSV record counts as an unclosed quote
