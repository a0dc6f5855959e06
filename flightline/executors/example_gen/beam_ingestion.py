"""The same ingestion as a Beam pipeline, for engines whose workers are elsewhere.

Files are cut into blocks of whole records by one worker each; parsing, encoding and splitting are spread over all
workers. Splits, examples, rejected rows and counts are those of `ingestion.ingest`; the order of the rows is not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from tfx.components.example_gen import write_split

from flightline.executors.example_gen.artifact_layout import REJECTED_FILE
from flightline.executors.example_gen.blocks import Table
from flightline.executors.example_gen.column_types import wider_kind
from flightline.executors.example_gen.encoder import encode_examples
from flightline.executors.example_gen.ingestion import (
    HashSplit,
    IngestOptions,
    InputSplit,
    RowCounts,
    assign_splits,
    no_rows_error,
    open_tables,
    remove_output,
)
from flightline.executors.example_gen.rejects import Reject, csv_line
from flightline.executors.example_gen.source import Opener
from flightline.serving.input_feature import ColumnType

MAX_PIECE_BYTES = 4 << 20
"""At most so much of a file is an element: workers get a share of it, and no message between them grows large."""

Kinds = dict[str, ColumnType | None]
_COUNTS_TAG, _REJECTED_TAG = "counted", "rejected"


def ingest_on_beam(
    make_pipeline: Callable[[], beam.Pipeline],
    inputs: Sequence[InputSplit],
    output_dir: str,
    temp_dir: str,
    options: IngestOptions,
    hash_split: HashSplit | None,
    opener: Opener,
) -> RowCounts:
    """Writes what `ingestion.ingest` writes, in as many shards as the engine likes.

    Args:
        make_pipeline: gives a new pipeline, with the options of the engine.
        inputs: files of each input split.
        output_dir: directory of the Examples artifact.
        temp_dir: a directory that workers see, for the counts.
        options: what to make of the files.
        hash_split: how the only input split is divided.
        opener: opens a file for reading; has to be something that workers can import.

    Raises:
        InputError: an input can't be read as a table, or has no row at all.
    """
    tables = {split.name: open_tables(split, options, opener) for split in inputs}
    names = list(hash_split.hash_buckets) if hash_split else list(tables)
    counts_file = f"{temp_dir}/rows"
    try:
        with make_pipeline() as pipeline:
            parts = [
                _ingest_split(pipeline, name, parts, options, hash_split or HashSplit({name: 1}))
                for name, parts in tables.items()
            ]
            _write_outputs(parts, output_dir, counts_file)
        counts = _read_counts(counts_file, names, options)
        if not counts.read:
            raise no_rows_error([table for parts_of in tables.values() for table in parts_of])
        counts.check()
    except BaseException:
        remove_output(output_dir, names)
        raise
    return counts


def _ingest_split(
    pipeline: beam.Pipeline, name: str, tables: Sequence[Table], options: IngestOptions, share: HashSplit
) -> dict[str, beam.PCollection]:
    """Tagged outputs: serialized examples by the name of their split, rejected rows, counts."""
    tables_by_path = {table.path: table for table in tables}
    block_bytes = min(options.block_bytes, MAX_PIECE_BYTES)
    paths = (
        pipeline | f"Files[{name}]" >> beam.Create(list(tables_by_path)) | f"SpreadFiles[{name}]" >> beam.Reshuffle()
    )
    declared: Kinds = {column: options.column_types.get(column) for column in tables[0].columns}
    undeclared = [column for column, kind in declared.items() if kind is None]
    kinds: Any = declared
    if undeclared:
        inferred = (
            paths
            | f"InferTypes[{name}]" >> beam.Map(_infer_kinds, tables_by_path, block_bytes, undeclared)
            | f"WidestTypes[{name}]" >> beam.CombineGlobally(_merge_kinds)
        )
        kinds = beam.pvalue.AsSingleton(inferred | f"AllTypes[{name}]" >> beam.Map(lambda some: {**declared, **some}))
    outputs = (
        paths
        | f"CutIntoPieces[{name}]" >> beam.FlatMap(_read_pieces, tables_by_path, block_bytes)
        | f"SpreadPieces[{name}]" >> beam.Reshuffle()
        | f"ToExamples[{name}]"
        >> beam.ParDo(_ToExamples(tables_by_path, options, block_bytes, share), kinds).with_outputs(
            *share.hash_buckets, _COUNTS_TAG, _REJECTED_TAG
        )
    )
    return {tag: outputs[tag] for tag in (*share.hash_buckets, _COUNTS_TAG, _REJECTED_TAG)}


def _infer_kinds(path: str, tables: Mapping[str, Table], block_bytes: int, columns: Sequence[str]) -> Kinds:
    return tables[path].kinds(block_bytes, columns)


def _merge_kinds(several: Iterable[Kinds]) -> Kinds:
    joined: Kinds = {}
    for kinds in several:
        for column, kind in kinds.items():
            joined[column] = wider_kind(joined.get(column), kind)
    return joined


def _read_pieces(path: str, tables: Mapping[str, Table], block_bytes: int) -> Iterator[tuple[str, Any]]:
    for piece in tables[path].pieces(block_bytes):
        yield path, piece


class _ToExamples(beam.DoFn):
    """Pieces of files into serialized examples, each tagged with its split."""

    def __init__(self, tables: Mapping[str, Table], options: IngestOptions, block_bytes: int, share: HashSplit) -> None:
        self._tables = tables
        self._options = options
        self._block_bytes = block_bytes
        self._share = share

    def process(self, element: tuple[str, Any], kinds: Kinds) -> Iterator[beam.pvalue.TaggedOutput]:
        path, piece = element
        names = list(self._share.hash_buckets)
        counts: Counter[str] = Counter()
        for block in self._tables[path].read(piece, self._block_bytes):
            rows = self._options.type_rows(block, kinds, path)
            counts["read"] += rows.count + len(rows.rejected)
            for reject in rows.rejected:
                counts[_rejected_key(reject.reason)] += 1
                yield beam.pvalue.TaggedOutput(_REJECTED_TAG, csv_line(path, reject))
            if not rows.count:
                continue
            examples = encode_examples(rows.columns).to_pylist()
            places = assign_splits(examples, rows.columns, self._share)
            for example, place in zip(examples, places.tolist(), strict=True):
                yield beam.pvalue.TaggedOutput(names[place], example)
            counts.update(f"split {names[place]}" for place in places.tolist())
        for key, rows_of in counts.items():
            yield beam.pvalue.TaggedOutput(_COUNTS_TAG, (key, rows_of))


def _write_outputs(parts: Sequence[Mapping[str, beam.PCollection]], output_dir: str, counts_file: str) -> None:
    for outputs in parts:
        for name in outputs.keys() - {_COUNTS_TAG, _REJECTED_TAG}:
            # As stock writes its splits.
            outputs[name] | f"WriteSplit[{name}]" >> write_split.WriteSplit(f"{output_dir}/Split-{name}", None)
    (
        [outputs[_REJECTED_TAG] for outputs in parts]
        | "AllRejected" >> beam.Flatten()
        | "WriteRejected"
        >> beam.io.WriteToText(
            f"{output_dir}/{REJECTED_FILE}",
            num_shards=1,
            shard_name_template="",
            header=",".join(("file", *Reject._fields)),
            skip_if_empty=True,
        )
    )
    (
        [outputs[_COUNTS_TAG] for outputs in parts]
        | "AllCounts" >> beam.Flatten()
        | "SumCounts" >> beam.CombinePerKey(sum)
        | "CountsAsText" >> beam.Map(json.dumps)
        | "WriteCounts" >> beam.io.WriteToText(counts_file, num_shards=1, shard_name_template="")
    )


def _read_counts(counts_file: str, names: Sequence[str], options: IngestOptions) -> RowCounts:
    with FileSystems.open(counts_file) as file:
        summed = dict(json.loads(line) for line in file)
    return RowCounts(
        read=summed.get("read", 0),
        splits=Counter({name: summed.get(f"split {name}", 0) for name in names}),
        rejected=Counter({reason: summed.get(_rejected_key(reason), 0) for reason in options.reasons}),
    )


def _rejected_key(reason: str) -> str:
    return f"rejected {reason}"
