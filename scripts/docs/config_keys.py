"""The reference of all config keys, from the pydantic models: type, default, description."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flightline.config.settings import Config
from scripts.docs.markdown import code, escape_prose, table

Schema = dict[str, Any]  # JSON Schema, as pydantic writes it
_TYPE_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "null": "none",
}
_BOUNDS = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<", "minItems": "at least"}
_INTRODUCTION = """# Config keys

Every key that `configs/*.yaml` and `--set a.b=value` accept. An unknown key is an error that suggests the most similar
one. `NAME` stands for a name, which the description explains; `[]` stands for an entry of a list. Generated from the
code.
"""


@dataclass(frozen=True)
class Key:
    """A key with a value: its full path, its type and default in words, and its description."""

    path: str
    type: str
    default: str
    description: str


@dataclass(frozen=True)
class Section:
    """A section of the config: its path (empty for the top level), its description, and its keys with values."""

    path: str
    description: str
    keys: tuple[Key, ...]


def render_page() -> str:
    """The reference page."""
    text = [_INTRODUCTION]
    for section in list_sections():
        level = "##" + "#" * min(section.path.count("."), 2)
        text.append(
            f"{level} {code(section.path) if section.path else 'The pipeline'}\n\n{escape_prose(section.description)}\n"
        )
        if section.keys:
            rows = [(code(key.path), key.type, key.default, escape_prose(key.description)) for key in section.keys]
            text.append(table(("key", "type", "default", "description"), rows))
    return "\n".join(text)


@functools.cache
def list_sections() -> tuple[Section, ...]:
    """All sections, each followed by its subsections."""
    schema = Config.model_json_schema(by_alias=True)
    return tuple(_walk_sections("", schema, schema["$defs"]))


def _walk_sections(path: str, model: Schema, models: dict[str, Schema]) -> Iterator[Section]:
    required = model.get("required", ())
    inner = {name: _nested_section(value, models) for name, value in model["properties"].items()}
    keys = [
        Key(f"{path}.{name}".lstrip("."), _type(value), _default(value, name in required), _describe_value(value))
        for name, value in model["properties"].items()
        if inner[name] is None
        or "$ref" not in value  # not sections, except those by name, in a list, or absent by default
    ]
    yield Section(path, " ".join(model.get("description", "").split()), tuple(keys))
    for name, found in inner.items():
        if found is not None:
            suffix, section = found
            yield from _walk_sections(f"{path}.{name}{suffix}".lstrip("."), section, models)


def _describe_value(value: Schema) -> str:
    return str(value.get("description", ""))


def _nested_section(value: Schema, models: dict[str, Schema]) -> tuple[str, Schema] | None:
    """(what follows the key, the model) of a value that is a section, or contains sections by name or in a list."""
    if "$ref" in value:
        return "", models[_model_name(value)]
    for choice in (*value.get("anyOf", ()), *value.get("allOf", ())):
        if found := _nested_section(choice, models):
            return found
    for inside, suffix in (("additionalProperties", ".NAME"), ("items", "[]")):
        entry = value.get(inside)
        if isinstance(entry, dict) and "$ref" in entry:
            return suffix, models[_model_name(entry)]
    return None


def _model_name(value: Schema) -> str:
    """The name of the model that a value refers to as `#/$defs/NAME`."""
    return str(value["$ref"]).rpartition("/")[2]


def _type(value: Schema) -> str:
    """The type of a value in words, with its bounds."""
    choices = [choice for choice in value.get("anyOf", ()) if choice.get("type") != "null"]
    if choices:
        return " or ".join(dict.fromkeys(_type(choice) for choice in choices))
    if "$ref" in value or "allOf" in value:
        return "section"
    if "enum" in value or "const" in value:
        return " or ".join(code(str(choice)) for choice in value.get("enum", [value.get("const")]))
    bounds = "".join(f", {sign} {value[name]:g}" for name, sign in _BOUNDS.items() if name in value)
    match value.get("type"):
        case "array":
            return f"list of {_type(value.get('items', {}))}{bounds}"
        case "object":
            names = value.get("propertyNames", {}).get("enum", [])
            key_names = " or ".join(code(name) for name in names) or "name"
            return f"mapping: {key_names} → {_type(value.get('additionalProperties', {}))}"
        case "string" if value.get("format") == "path":
            return "path"
        case kind:
            return _TYPE_WORDS.get(str(kind), "anything") + bounds


def _default(value: Schema, required: bool) -> str:
    """The default as YAML, in code."""
    if required:
        return "**required**"
    empty: Any = {"object": {}, "array": []}.get(value.get("type", ""))  # default factories are not in the schema
    default = value.get("default", empty)
    return "none" if default is None else code(json.dumps(default, ensure_ascii=False))
