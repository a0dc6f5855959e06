"""Name the differences between two artifacts of the same type: features, vocabulary entries, weights, metrics."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import Message
from ml_metadata.proto import metadata_store_pb2 as pb
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.metadata.properties import properties_of
from flightline.metadata.run import Run
from flightline.reporting.html.statistics import feature_name, read_statistics
from flightline.reporting.run_diff import diff_metrics
from flightline.utils.hashing import file_digest

MAX_DIFFERENCES = 5  # of the others only the number is shown


def explain_difference(run: Run, reproduction: Run, artifact: pb.Artifact, other: pb.Artifact) -> list[str]:
    """Describe the differences between `artifact` of `run` and `other` of its reproduction.

    Raises:
        OSError, ValueError: the files of one of them cannot be read.
    """
    if artifact.type == "ModelEvaluation":
        found: Iterator[str] = _metric_differences(run, reproduction)
    elif artifact.type == "Examples":
        found = itertools.chain(
            _row_count_differences(artifact, other), _file_differences(Path(artifact.uri), Path(other.uri))
        )
    else:
        found = _EXPLAINERS_BY_TYPE.get(artifact.type, _file_differences)(Path(artifact.uri), Path(other.uri))
    differences = list(found)
    more = [f"and {len(differences) - MAX_DIFFERENCES} more"] if len(differences) > MAX_DIFFERENCES else []
    return [*differences[:MAX_DIFFERENCES], *more] or ["the content differs, in no feature, entry, weight or file"]


def _metric_differences(run: Run, reproduction: Run) -> Iterator[str]:
    for change in diff_metrics(run, reproduction):
        yield f"metric {change.metric} on {change.slice}: {change.before} before, {change.now} now"


def _row_count_differences(artifact: pb.Artifact, other: pb.Artifact) -> Iterator[str]:
    before, now = properties_of(artifact), properties_of(other)
    for name in sorted({*before, *now}):
        if name.startswith("rows_") and before.get(name) != now.get(name):
            yield f"{name.replace('_', ' ')}: {before.get(name)} before, {now.get(name)} now"


def _statistics_differences(before: Path, now: Path) -> Iterator[str]:
    old, new = read_statistics(str(before)), read_statistics(str(now))
    for split in {**old, **new}:
        features, other_features = (_by_name(found[split].features) if split in found else {} for found in (old, new))
        yield from (f"feature {name} of split {split}" for name in _changed_keys(features, other_features))


def _schema_differences(before: Path, now: Path) -> Iterator[str]:
    old, new = (
        text_format.Parse((path / "schema.pbtxt").read_text("utf-8"), schema_pb2.Schema()) for path in (before, now)
    )
    yield from (
        f"feature {name}" for name in _changed_keys(*({f.name: f for f in some.feature} for some in (old, new)))
    )
    domains = ({d.name: d for d in some.string_domain} for some in (old, new))
    yield from (f"domain {name}" for name in _changed_keys(*domains))


def _vocabulary_differences(before: Path, now: Path) -> Iterator[str]:
    """Yield the first changed entry of each vocabulary of a transform graph, and the other files that differ."""
    folder = Path("transform_fn") / "assets"
    names = sorted({path.name for root in (before, now) for path in (root / folder).glob("*")})
    for name in names:
        entries = [_read_lines(root / folder / name) for root in (before, now)]
        for number, (old, new) in enumerate(itertools.zip_longest(*entries), 1):
            if old != new:
                yield f"vocabulary {name}, entry {number}: {old!r} before, {new!r} now"
                break
    yield from _file_differences(before, now, exclude=folder)


def _weight_differences(before: Path, now: Path) -> Iterator[str]:
    """Yield the changed variables of a SavedModel, and the other files that differ. Imports TensorFlow."""
    import numpy as np
    import tensorflow as tf

    variables = Path("Format-Serving") / "variables"
    readers = [tf.train.load_checkpoint(str(root / variables / "variables")) for root in (before, now)]
    shapes = [reader.get_variable_to_shape_map() for reader in readers]
    for name in sorted({*shapes[0], *shapes[1]}):
        if shapes[0].get(name) != shapes[1].get(name):
            yield f"weight {name}: shape {shapes[0].get(name)} before, {shapes[1].get(name)} now"
            continue
        old, new = (reader.get_tensor(name) for reader in readers)
        if isinstance(old, np.ndarray) and old.dtype.kind in "iuf" and not np.array_equal(old, new):
            yield f"weight {name}: differs by up to {np.max(np.abs(old.astype(float) - new.astype(float))):.3g}"
    yield from _file_differences(before, now, exclude=variables)


def _file_differences(before: Path, now: Path, exclude: Path | None = None) -> Iterator[str]:
    """Yield the files that differ."""
    old, new = (_file_digests(root, exclude) for root in (before, now))
    yield from (f"file {name}" for name in _changed_keys(old, new))


def _file_digests(root: Path, exclude: Path | None) -> dict[str, str]:
    files = [path for path in sorted(root.rglob("*")) if path.is_file()] if root.is_dir() else [root]
    named = {path.relative_to(root): path for path in files}
    return {
        str(name): file_digest(path)
        for name, path in named.items()
        if exclude is None or not name.is_relative_to(exclude)
    }


def _by_name(features: Any) -> dict[str, Message]:
    return {feature_name(feature): feature for feature in features}


def _changed_keys(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]


def _read_lines(path: Path) -> list[str]:
    return path.read_text("utf-8", errors="replace").splitlines() if path.is_file() else []


_EXPLAINERS_BY_TYPE: dict[str, Callable[[Path, Path], Iterator[str]]] = {
    "ExampleStatistics": _statistics_differences,
    "Schema": _schema_differences,
    "TransformGraph": _vocabulary_differences,
    "Model": _weight_differences,
}
