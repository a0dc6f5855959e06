"""What decides whether a step has to run: digests of its inputs, its parameters, the code it runs, and the lock.

TFX's own key holds ids, paths and times, so that a `touch` runs everything again, and none of the code that is named
by a dotted path. This key takes its place in TFX's cache; its parts are kept with each execution, so that a later
run can say what changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, properties_of
from flightline.utils.hashing import code_digest, lock_digest

# Of an artifact's properties, those that a step may read; the others say where, when and by what it was made.
_CONTENT_PROPERTIES = ("span", "version", "split_names", "payload_format", "file_format")
# ExampleGen's driver adds counts, sizes and times of files; their content is in `custom_config`.
_VOLATILE_PARAMETERS = {"input_fingerprint"}
# Inputs that only say how to be quick: with another analyzer cache, or none, Transform comes to the same.
_CACHE_CHANNELS = {"analyzer_cache"}
# Parameters that name code: what they name is a part of the key.
_CODE_PARAMETERS = ("preprocessing_fn", "run_fn", "stats_options_updater_fn", "tuner_fn")
_DIGEST_LENGTH = 16
_MAX_LISTED_NAMES = 4  # names of a kind in a sentence
DATA_DIGEST_PARAMETER = "data_digest"  # the leaf of ExampleGen's parameters that stands for the files
_WRAPPER_KEYS = {"custom_config", "custom_fields", "value"}  # around what a parameter is about


@dataclass(frozen=True)
class KeyParts:
    """The parts of a step's key.

    Attributes:
        inputs: channel → digest of its artifacts.
        parameters: parameter → digest of its value; of one that is a JSON object, of each of its leaves.
        code: digest of the code that the step runs, its own and the user's.
        lock: digest of requirements.lock.
    """

    inputs: dict[str, str]
    parameters: dict[str, str]
    code: str
    lock: str

    @property
    def key(self) -> str:
        return _digest(json.dumps(asdict(self), sort_keys=True))

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> KeyParts:
        return cls(**json.loads(text))

    def changed_since(self, before: KeyParts) -> list[str]:
        """What is not as it was, in words."""
        changes = []
        for what, now, then in (
            ("input", self.inputs, before.inputs),
            ("parameter", self.parameters, before.parameters),
        ):
            names = sorted({_display_name(name) for name in {*now, *then} if now.get(name) != then.get(name)} - {""})
            if names:
                more = f" and {len(names) - _MAX_LISTED_NAMES} more" if len(names) > _MAX_LISTED_NAMES else ""
                changes.append(f"{what}{'s' if len(names) > 1 else ''} {', '.join(names[:_MAX_LISTED_NAMES])}{more}")
        changes += ["code"] if self.code != before.code else []
        changes += ["requirements.lock"] if self.lock != before.lock else []
        return changes


def _display_name(name: str) -> str:
    """A part's name for a person. The digests of code that parameters carry, for other runners, say nothing new."""
    *_, leaf = path = name.split(".")
    if leaf == DATA_DIGEST_PARAMETER:
        return "content of the input files"
    return "" if leaf == "code" else ".".join(part for part in path if part not in _WRAPPER_KEYS) or name


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
        lock=(lock_digest() or "")[:_DIGEST_LENGTH],
    )


def reason_to_run(parts: KeyParts, before: KeyParts | None, cache: bool) -> str:
    """Why a step with this key was run.

    Args:
        parts: of this step.
        before: of the same node in the run before; None where there was none.
        cache: whether the cache might have been used.
    """
    if before is None:
        return "first run"
    changes = parts.changed_since(before)
    if changes:
        return f"changed: {', '.join(changes)}"
    return "its outputs of before are gone, or it had failed" if cache else "without the cache"


def _parameter_digests(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in sorted(parameters.items()):
        if name not in _VOLATILE_PARAMETERS:
            yield from ((leaf, _digest(text)) for leaf, text in _flatten_parameter(name, value))


def _flatten_parameter(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """`custom_config.train.epochs` and its like, so that what changed can be named."""
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
        read = {
            name: value for name, value in properties.items() if name in _CONTENT_PROPERTIES or name.startswith("rows_")
        }
        content = (
            properties.get(CONTENT_DIGEST_PROPERTY) or f"artifact {artifact.id}"
        )  # unknown content equals nothing else
        described.append([content, read])
    return _digest(json.dumps(described, sort_keys=True))


def _step_code_digest(executor: str | None, parameters: Mapping[str, Any]) -> str:
    named = [executor, *(parameters.get(name) for name in _CODE_PARAMETERS)]
    modules = {str(path).rpartition(".")[0] for path in named if path}
    ours = sorted(module for module in modules if module and not module.startswith("tfx."))
    return code_digest(*ours) if ours else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGEST_LENGTH]
