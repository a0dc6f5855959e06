"""Digests of the content of artifacts: equal content has an equal digest, wherever and whenever it was written.

The digest of most files is that of their bytes. Some formats also hold where or when they were written; the digest of
these is that of a canonical form without it:
saved graphs (names numbered by the process, nodes in any order, paths in names), TFMA's config (paths of the models),
the analyzer cache (keys made of paths, gzip's time stamps), rejected rows (the path of their file).
Reads through TFX's fileio, so that it works for artifacts in remote storage.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from tfx.dsl.io import fileio

from flightline.utils.hashing import BLOCK_BYTES

SAVED_MODEL_FILE = "saved_model.pb"
_QUOTED_PATH = re.compile(r"'[^']*/([^'/]+)'")  # a quoted path, of which the last part is kept
_NAME_COUNTER = re.compile(r"_\d+(?![0-9A-Za-z])")  # the second `zeros` is `zeros_1`; their order is random
_NUMBER = re.compile(r"\d+")
# Files next to the content that are not part of it: fingerprint.pb hashes the bytes that are canonicalised here;
# release.json describes the release.
_EXCLUDED_FILES = {"fingerprint.pb", "release.json"}


def digest_artifact(type_name: str, uri: str) -> str:
    """SHA-256 of the content of an artifact.

    Args:
        type_name: ML Metadata's name of the artifact's type.
        uri: its directory or file.

    Raises:
        OSError: the artifact does not exist, or cannot be read.
    """
    digest = hashlib.sha256()
    if type_name == "TransformCache":
        parts = sorted(hashlib.sha256(content).digest() for content in _read_cache_entries(uri))
        digest.update(b"".join(parts))
        return digest.hexdigest()
    for name, path in _list_files(uri):
        if name.rpartition("/")[2] not in _EXCLUDED_FILES:
            digest.update(f"{name}\0".encode())
            canonicalize = _select_canonicalizer(type_name, name)
            digest.update(hashlib.sha256(canonicalize(_read_file(path))).digest() if canonicalize else _hash_file(path))
    return digest.hexdigest()


def _hash_file(path: str) -> bytes:
    """SHA-256 of a file, a block at a time: examples may be larger than memory."""
    digest = hashlib.sha256()
    with fileio.open(path, "rb") as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.digest()


def _select_canonicalizer(type_name: str, name: str) -> Callable[[bytes], bytes] | None:
    """The function that returns the canonical form of a file; None where the file's bytes are hashed as they are."""
    file = name.rpartition("/")[2]
    if file == SAVED_MODEL_FILE:
        return canonicalize_graph
    if type_name == "ModelEvaluation" and file == "eval_config.json":
        return _without_paths
    if type_name == "Examples" and name.startswith("rejected/"):
        return _without_file_column
    if type_name in ("InfraBlessing", "ModelBlessing"):
        return lambda _: b""  # the file's name is the verdict; its content holds timings
    return None


def _list_files(uri: str) -> Iterator[tuple[str, str]]:
    """(name relative to `uri`, path) of each file, in the order of the names; TFX's hidden files are left out."""
    if not fileio.isdir(uri):
        if not fileio.exists(uri):
            raise FileNotFoundError(f"{uri} does not exist")
        yield "", uri
        return
    found = []
    for folder, _, names in fileio.walk(uri):
        relative = folder[len(uri) :].strip("/")
        if any(part.startswith(".") for part in relative.split("/")):
            continue
        found += [f"{relative}/{name}".lstrip("/") for name in names if not name.startswith(".")]
    if not found:
        raise FileNotFoundError(f"{uri} is empty")
    for name in sorted(found):
        yield name, f"{uri}/{name}"


def _read_file(path: str) -> bytes:
    with fileio.open(path, "rb") as file:
        return file.read()


def _read_cache_entries(uri: str) -> Iterator[bytes]:
    """The accumulators of an analyzer cache; the manifest's keys are made of paths."""
    for name, path in _list_files(uri):
        if name.endswith(".gz"):
            yield gzip.decompress(_read_file(path))


def canonicalize_graph(content: bytes) -> bytes:
    """A SavedModel's graphs without what depends on the process that wrote them.

    Left out: the numbers in names, which count the objects that the process had created before; the folders of quoted
    paths; the order of nodes and functions, which is that of a hash table. Constants, shapes, operations and their
    connections stay.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel.FromString(content)
    graphs = []
    for meta in model.meta_graphs:
        graphs.append(_canonical_nodes(meta.graph_def.node))
        graphs += sorted(
            "\n".join(
                [
                    _canonical_name(function.signature.name),
                    _canonical_returns(function.ret),
                    _canonical_nodes(function.node_def),
                ]
            )
            for function in meta.graph_def.library.function
        )
        graphs += sorted(f"{key} {_canonical_name(str(value))}" for key, value in meta.signature_def.items())
    return "\n\n".join(graphs).encode()


def _canonical_nodes(nodes: Any) -> str:
    return "\n".join(sorted(_canonical_node(node) for node in nodes))


def _canonical_node(node: Any) -> str:
    attributes = [f"{key}={_canonical_attribute(key, node.attr[key])}" for key in sorted(node.attr)]
    return " ".join([node.op, _canonical_name(node.name), *map(_canonical_name, node.input), *attributes])


def _canonical_attribute(key: str, value: Any) -> str:
    if value.WhichOneof("value") == "func" or key in ("shared_name", "container", "_class"):
        return _canonical_name(str(value))
    if key in ("config_proto", "executor_type"):
        return ""
    return hashlib.sha256(value.SerializeToString(deterministic=True)).hexdigest()


def _canonical_returns(returned: Any) -> str:
    return " ".join(sorted(f"{_canonical_name(key)}:{_canonical_name(value)}" for key, value in returned.items()))


def _canonical_name(text: str) -> str:
    return _NUMBER.sub("#", _NAME_COUNTER.sub("", _QUOTED_PATH.sub(r"'\1'", text)))


def _without_paths(content: bytes) -> bytes:
    """TFMA's config without the paths of models and data, which the file holds next to it."""
    return json.dumps(json.loads(content).get("evalConfig", {}), sort_keys=True).encode()


def _without_file_column(content: bytes) -> bytes:
    """The rejected rows in order, without the file each came from."""
    csv.field_size_limit(1 << 30)
    rows = sorted(row[1:] for row in csv.reader(io.StringIO(content.decode("utf-8"), newline="")))
    return json.dumps(rows).encode()
