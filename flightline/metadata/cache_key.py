"""The cache key of a step: digests of its inputs, its parameters, the code it runs, and the lock.

TFX's own key holds ids, paths and times, so that a `touch` runs every step again, and it leaves out the code that a
dotted path names. This key replaces it in TFX's cache; its parts are stored with each execution, so that a later run
can report what changed.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.key_parts import DIGEST_LENGTH, KeyParts, short_digest
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, properties_of
from flightline.utils.hashing import code_digest, lock_digest

# Of an artifact's properties, those that a step may read; the others record where, when and by what it was written.
_CONTENT_PROPERTIES = ("span", "version", "split_names", "payload_format", "file_format")
# ExampleGen's driver adds counts, sizes and times of files; their content is in `custom_config`.
_VOLATILE_PARAMETERS = {"input_fingerprint"}
# Inputs that only save time: with another analyzer cache, or none, Transform's outputs are the same.
_CACHE_CHANNELS = {"analyzer_cache"}
# Parameters that name code: the digest of that code is part of the key.
_CODE_PARAMETERS = ("preprocessing_fn", "run_fn", "stats_options_updater_fn", "tuner_fn")


def compute_key_parts(
    inputs: Mapping[str, Iterable[pb.Artifact]], parameters: Mapping[str, Any], executor: str | None
) -> KeyParts:
    """The parts of the key of one execution.

    Args:
        inputs: artifacts by channel, with their content digests.
        parameters: execution properties, resolved.
        executor: dotted path of the executor's class; None where the node has none.
    """
    return KeyParts(
        inputs={
            channel: _artifacts_digest(artifacts)
            for channel, artifacts in sorted(inputs.items())
            if channel not in _CACHE_CHANNELS
        },
        parameters=dict(_parameter_digests(parameters)),
        code=_step_code_digest(executor, parameters),
        lock=(lock_digest() or "")[:DIGEST_LENGTH],
    )


def reason_to_run(parts: KeyParts, before: KeyParts | None, cache: bool) -> str:
    """Why a step with this key was run.

    Args:
        parts: the key parts of this step.
        before: the key parts of the same node in the previous run; None without one.
        cache: whether the cache might have been used.
    """
    if before is None:
        return "first run"
    changes = parts.changed_since(before)
    if changes:
        return f"changed: {', '.join(changes)}"
    return "its earlier outputs were removed, or it had failed" if cache else "without the cache"


def _parameter_digests(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(parameters.items()):
        if name not in _VOLATILE_PARAMETERS:
            yield from ((leaf, short_digest(text)) for leaf, text in _flatten_parameter(name, value))


def _flatten_parameter(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """(name, value) of each leaf, named like `custom_config.train.epochs`, so that a changed leaf can be named."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with contextlib.suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flatten_parameter(f"{name}.{key}", inner)
    else:
        yield name, str(value)


def _artifacts_digest(artifacts: Iterable[pb.Artifact]) -> str:
    described = []
    for artifact in artifacts:
        properties = properties_of(artifact)
        readable = {
            name: value for name, value in properties.items() if name in _CONTENT_PROPERTIES or name.startswith("rows_")
        }
        if names := readable.get("split_names"):  # stock Transform lists them in the order of a set, which varies
            readable["split_names"] = sorted(json.loads(str(names)))
        content = (
            properties.get(CONTENT_DIGEST_PROPERTY) or f"artifact {artifact.id}"
        )  # an artifact without a digest equals only itself
        described.append([content, readable])
    return short_digest(json.dumps(described, sort_keys=True))


def _step_code_digest(executor: str | None, parameters: Mapping[str, Any]) -> str:
    named = [executor, *(parameters.get(name) for name in _CODE_PARAMETERS)]
    modules = {str(path).rpartition(".")[0] for path in named if path}
    own_modules = sorted(module for module in modules if module and not module.startswith("tfx."))
    return code_digest(*own_modules) if own_modules else ""
