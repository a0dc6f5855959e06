"""Parse YAML strictly: no tags that create objects, no duplicate keys, limited depth and alias expansion."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from flightline.errors import summarize_error

MAX_DEPTH = 40  # levels of nesting; a config has seven
MAX_VALUES = 60_000  # keys and values, aliases expanded; a config with 50,000 columns has fewer
_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it


class InvalidYaml(ValueError):
    """A text is not valid YAML, or exceeds a limit; the message is one line."""


def parse_yaml(text: str) -> Any:
    """Return the value of a YAML text: mappings, lists, texts, numbers, booleans, dates; None for an empty text.

    Raises:
        InvalidYaml: with the line, if it is known.
    """
    try:
        _check_depth(text)
        return _construct_document(_StrictLoader(text))
    except InvalidYaml:
        raise
    except yaml.MarkedYAMLError as error:
        problem = " ".join(str(error.problem or error.context).split())
        raise InvalidYaml(f"{_line_prefix(error.problem_mark)}{problem}") from error
    except Exception as error:  # from constructors: a date in month 13, a number of 5,000 digits
        raise InvalidYaml(summarize_error(error)) from error


def _construct_document(loader: Any) -> Any:
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _count_values(node, {})
        return loader.construct_document(node)
    finally:
        loader.dispose()


class _StrictLoader(_BaseLoader):
    """A safe loader that rejects duplicate keys, of which PyYAML silently takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in getattr(node, "value", []):
            name = (key.tag, str(key.value))
            if isinstance(key, yaml.ScalarNode) and name in seen:
                raise InvalidYaml(f"{_line_prefix(key.start_mark)}duplicate key {key.value}")
            seen.add(name)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


def _check_depth(text: str) -> None:
    """Check the depth from parser events, before any recursive code sees the document."""
    depth = 0
    for event in yaml.parse(text, Loader=_BaseLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise InvalidYaml(f"{_line_prefix(event.start_mark)}nested more than {MAX_DEPTH} levels deep")


def _line_prefix(mark: Any) -> str:
    """Return `line 3: ` for a position in the text; empty if it is unknown."""
    return f"line {mark.line + 1}: " if mark else ""


def _count_values(node: yaml.Node, known: dict[int, int | None]) -> int:
    """Count a node's values, with aliases expanded. In `known` a size of None marks a node that is being counted."""
    if id(node) in known:
        size = known[id(node)]
        if size is None:
            raise InvalidYaml(f"{_line_prefix(node.start_mark)}an alias of a node that contains it")
        return size
    known[id(node)] = None
    children = node.value if isinstance(node, yaml.CollectionNode) else []
    flat = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    size = 1 + sum(_count_values(child, known) for child in flat)
    if size > MAX_VALUES:
        raise InvalidYaml(f"{_line_prefix(node.start_mark)}more than {MAX_VALUES:,} values, aliases expanded")
    known[id(node)] = size
    return size
