"""YAML as people write it, and no more: no tag that makes objects, no key twice, aliases that unfold to little."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

from flightline.errors import summarize_error

MAX_DEPTH = 40  # levels; a config has seven
MAX_VALUES = 60_000  # keys and values, aliases unfolded; one that names 50,000 columns has fewer
_BaseLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it


class InvalidYaml(ValueError):
    """A text is no YAML, or more than a person would write; the message is one line."""


def parse_yaml(text: str) -> Any:
    """What a text says: mappings, lists, texts, numbers, booleans, dates; None where it says nothing.

    Raises:
        NotPlainYaml: with the line, where it is known.
    """
    try:
        _check_depth(text)
        return _construct_document(_StrictLoader(text))
    except InvalidYaml:
        raise
    except yaml.MarkedYAMLError as error:
        said = " ".join(str(error.problem or error.context).split())
        raise InvalidYaml(f"{_line_prefix(error.problem_mark)}{said}") from error
    except Exception as error:  # a date of the 13th month, a number of 5,000 digits: what its constructors raise
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
    """The safe loader, which would take the last of two equal keys in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[tuple[str, str]] = set()
        for key, _ in getattr(node, "value", []):
            name = (key.tag, str(key.value))
            if isinstance(key, yaml.ScalarNode) and name in seen:
                raise InvalidYaml(f"{_line_prefix(key.start_mark)}the key {key.value} is there twice")
            seen.add(name)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


def _check_depth(text: str) -> None:
    """Looks at the events, which need no recursion, before anything that does."""
    depth = 0
    for event in yaml.parse(text, Loader=_BaseLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise InvalidYaml(f"{_line_prefix(event.start_mark)}nested more than {MAX_DEPTH} levels deep")


def _line_prefix(mark: Any) -> str:
    """`line 3: ` of a place in the text; nothing where it is not known."""
    return f"line {mark.line + 1}: " if mark else ""


def _count_values(node: yaml.Node, known: dict[int, int | None]) -> int:
    """How many values a node stands for, each alias counted as what it repeats. A node's size is None while it is
    counted: whoever meets it then is inside it."""
    if id(node) in known:
        size = known[id(node)]
        if size is None:
            raise InvalidYaml(f"{_line_prefix(node.start_mark)}an alias of what it is a part of")
        return size
    known[id(node)] = None
    children = node.value if isinstance(node, yaml.CollectionNode) else []
    flat = [part for child in children for part in (child if isinstance(child, tuple) else (child,))]
    size = 1 + sum(_count_values(child, known) for child in flat)
    if size > MAX_VALUES:
        raise InvalidYaml(f"{_line_prefix(node.start_mark)}more than {MAX_VALUES:,} values, aliases unfolded")
    known[id(node)] = size
    return size
