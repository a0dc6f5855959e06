"""The parts of a step's cache key as plain data, kept with each execution so that a later run can say what changed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

DATA_DIGEST_PARAMETER = "data_digest"  # the leaf of ExampleGen's parameters with the digest of the input files
DIGEST_LENGTH = 16
_MAX_LISTED_NAMES = 4  # the most names that a sentence lists
_WRAPPER_KEYS = {"custom_config", "custom_fields", "value"}  # keys around the parameters that the user knows


@dataclass(frozen=True)
class KeyParts:
    """The parts of a step's cache key.

    Attributes:
        inputs: channel → digest of its artifacts.
        parameters: parameter → digest of its value; of a JSON object, of each of its leaves.
        code: digest of the code that the step runs, its own and the user's.
        lock: digest of requirements.lock.
    """

    inputs: dict[str, str]
    parameters: dict[str, str]
    code: str
    lock: str

    @property
    def key(self) -> str:
        return short_digest(json.dumps(asdict(self), sort_keys=True))

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> KeyParts:
        return cls(**json.loads(text))

    def changed_since(self, before: KeyParts) -> list[str]:
        """A phrase for each kind of difference, for the user."""
        changes = []
        for kind, new, old in (
            ("input", self.inputs, before.inputs),
            ("parameter", self.parameters, before.parameters),
        ):
            names = sorted({_display_name(name) for name in {*new, *old} if new.get(name) != old.get(name)} - {""})
            if names:
                more = f" and {len(names) - _MAX_LISTED_NAMES} more" if len(names) > _MAX_LISTED_NAMES else ""
                changes.append(f"{kind}{'s' if len(names) > 1 else ''} {', '.join(names[:_MAX_LISTED_NAMES])}{more}")
        changes += ["code"] if self.code != before.code else []
        changes += ["requirements.lock"] if self.lock != before.lock else []
        return changes


def _display_name(name: str) -> str:
    """A parameter's name for the user; empty for the digest of code, which `KeyParts.code` covers."""
    *_, leaf = path = name.split(".")
    if leaf == DATA_DIGEST_PARAMETER:
        return "content of the input files"
    return "" if leaf == "code_digest" else ".".join(part for part in path if part not in _WRAPPER_KEYS) or name


def short_digest(text: str) -> str:
    """The first characters of the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:DIGEST_LENGTH]
