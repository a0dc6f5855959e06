"""What is different between two artifacts of a type: named as the field names it, the first few of each kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import Message
from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0 import schema_pb2

from pipeline.digests import file_digest
from pipeline.metadata.differences import metric_changes
from pipeline.metadata.run import Run
from pipeline.metadata.store import properties_of
from pipeline.report.statistics import name_of, read_statistics

MOST = 5  # differences named; how many more there are is said


def explain(run: Run, again: Run, artifact: pb.Artifact, other: pb.Artifact) -> list[str]:
    """What differs from `artifact` of `run` to `other` of the run that repeated it.

    Raises:
        OSError, ValueError: the files of one of them cannot be read.
    """
    if artifact.type == "ModelEvaluation":
        found: Iterator[str] = _metrics(run, again)
    elif artifact.type == "Examples":
        found = itertools.chain(_rows(artifact, other), _files(Path(artifact.uri), Path(other.uri)))
    else:
        found = _BY_TYPE.get(artifact.type, _files)(Path(artifact.uri), Path(other.uri))
    named = list(found)
    more = [f"and {len(named) - MOST} more"] if len(named) > MOST else []
    return [*named[:MOST], *more] or ["the content differs in nothing that has a name"]


def _metrics(run: Run, again: Run) -> Iterator[str]:
    for change in metric_changes(run, again):
        yield f"metric {change.metric} on {change.slice}: {change.before} was, {change.now} is"


def _rows(artifact: pb.Artifact, other: pb.Artifact) -> Iterator[str]:
    before, now = properties_of(artifact), properties_of(other)
    for name in sorted({*before, *now}):
        if name.startswith("rows_") and before.get(name) != now.get(name):
            yield f"{name.replace('_', ' ')}: {before.get(name)} was, {now.get(name)} is"


def _statistics(before: Path, now: Path) -> Iterator[str]:
    old, new = read_statistics(str(before)), read_statistics(str(now))
    for split in {**old, **new}:
        ours, theirs = (_by_name(found[split].features) if split in found else {} for found in (old, new))
        yield from (f"feature {name} of split {split}" for name in _unequal(ours, theirs))


def _schema(before: Path, now: Path) -> Iterator[str]:
    old, new = (
        text_format.Parse((path / "schema.pbtxt").read_text("utf-8"), schema_pb2.Schema()) for path in (before, now)
    )
    yield from (f"feature {name}" for name in _unequal(*({f.name: f for f in some.feature} for some in (old, new))))
    domains = ({d.name: d for d in some.string_domain} for some in (old, new))
    yield from (f"domain {name}" for name in _unequal(*domains))


def _vocabularies(before: Path, now: Path) -> Iterator[str]:
    """Entries of the vocabularies of a transform graph; else the files that differ."""
    folder = Path("transform_fn") / "assets"
    names = sorted({path.name for root in (before, now) for path in (root / folder).glob("*")})
    for name in names:
        entries = [_lines(root / folder / name) for root in (before, now)]
        for number, (old, new) in enumerate(itertools.zip_longest(*entries), 1):
            if old != new:
                yield f"vocabulary {name}, entry {number}: {old!r} was, {new!r} is"
                break
    yield from _files(before, now, but=folder)


def _weights(before: Path, now: Path) -> Iterator[str]:
    """Variables of a SavedModel, with the largest difference; else the files that differ. Imports TensorFlow."""
    import numpy as np
    import tensorflow as tf

    variables = Path("Format-Serving") / "variables"
    readers = [tf.train.load_checkpoint(str(root / variables / "variables")) for root in (before, now)]
    shapes = [reader.get_variable_to_shape_map() for reader in readers]
    for name in sorted({*shapes[0], *shapes[1]}):
        if shapes[0].get(name) != shapes[1].get(name):
            yield f"weight {name}: shape {shapes[0].get(name)} was, {shapes[1].get(name)} is"
            continue
        old, new = (reader.get_tensor(name) for reader in readers)
        if isinstance(old, np.ndarray) and old.dtype.kind in "iuf" and not np.array_equal(old, new):
            yield f"weight {name}: by {np.max(np.abs(old.astype(float) - new.astype(float))):.3g} at most"
    yield from _files(before, now, but=variables)


def _files(before: Path, now: Path, but: Path | None = None) -> Iterator[str]:
    """The files that differ, whatever they hold."""
    old, new = (_digests(root, but) for root in (before, now))
    yield from (f"file {name}" for name in _unequal(old, new))


def _digests(root: Path, but: Path | None) -> dict[str, str]:
    files = [path for path in sorted(root.rglob("*")) if path.is_file()] if root.is_dir() else [root]
    named = {path.relative_to(root): path for path in files}
    return {str(name): file_digest(path) for name, path in named.items() if but is None or not name.is_relative_to(but)}


def _by_name(features: Any) -> dict[str, Message]:
    return {name_of(feature): feature for feature in features}


def _unequal(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]


def _lines(path: Path) -> list[str]:
    return path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []


_BY_TYPE: dict[str, Callable[[Path, Path], Iterator[str]]] = {
    "ExampleStatistics": _statistics,
    "Schema": _schema,
    "TransformGraph": _vocabularies,
    "Model": _weights,
}
