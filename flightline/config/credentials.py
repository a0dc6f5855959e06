"""Refuse a config that contains credentials: each run stores it, in its folder, in ML Metadata and in the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flightline.errors import ConfigError, has_credentials, is_secret_name

_ADVICE = {
    "monitoring.webhook": "put the address into an environment variable, and name it in monitoring.webhook_env",
    "engines.spark.properties": "set it in spark-defaults.conf or the environment",
}
_DEFAULT_ADVICE = "remove it, and give it to the program that needs it by its environment or its own config file"


def refuse_credentials(raw: Mapping[str, Any], source: str) -> None:
    """Raise ConfigError for the first value with credentials; the message names its key and not the value.

    Args:
        raw: the config, as YAML has it.
        source: the config's file, for the message.
    """
    for key, value in _texts(raw, ()):
        name = ".".join(key)
        if has_credentials(value) or _is_secret(key, value):
            advice = next((fix for prefix, fix in _ADVICE.items() if name.startswith(prefix)), _DEFAULT_ADVICE)
            raise ConfigError(f"{source}: {name} contains a password or a token, which every run would store", advice)


def _is_secret(key: tuple[str, ...], value: str) -> bool:
    """Whether an engine's setting is a secret by its name, or has a user before its host."""
    if key[:3] == ("engines", "spark", "properties"):
        return is_secret_name(key[-1])
    if key[:2] == ("engines", "beam_arguments"):
        return is_secret_name(value.partition("=")[0])
    return key[0] == "engines" and key[-1] in ("master", "endpoint") and "@" in value


def _texts(value: Any, key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield every text in the config, with the path of its key."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _texts(inner, (*key, str(name)))
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _texts(inner, key)
