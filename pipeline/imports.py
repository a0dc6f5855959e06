"""Which code a module depends on: its own file and, as far down as they go, those that it imports from this project.

Read from the source, not run. An import by a computed name is not seen; what is called by a dotted path in the config
is a module of its own, and named beside.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

OURS = ("pipeline", "models")


def closure(modules: Iterable[str]) -> dict[str, Path]:
    """Module name → file, for the modules and all that they import from the packages they are in, `pipeline` and
    `models`.

    Raises:
        ModuleNotFoundError: one of `modules` does not exist.
    """
    asked = list(modules)
    within = {*OURS, *(name.split(".")[0] for name in asked)}
    found: dict[str, Path] = {}
    todo = list(asked)
    for name in asked:
        if _file_of(name) is None:
            raise ModuleNotFoundError(f"there is no module {name}")
    while todo:
        name = todo.pop()
        path = _file_of(name)
        if name in found or path is None:
            continue
        found[name] = path
        todo += _parents(name)
        todo += [other for other in _imports(name, path) if other.split(".")[0] in within]
    return found


def _parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


def _imports(name: str, path: Path) -> Iterator[str]:
    """What a file imports, wherever in it; of `from a import b`, both `a` and, should it be a module, `a.b`."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                source = importlib.util.resolve_name("." * node.level + source, package)
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)


def _file_of(name: str) -> Path | None:
    """The file of a module, found without importing its parents."""
    top, *rest = name.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None:
        return None
    if not spec.submodule_search_locations:
        return Path(str(spec.origin)) if not rest and spec.origin else None
    place = Path(next(iter(spec.submodule_search_locations))).joinpath(*rest)
    for candidate in (place / "__init__.py", place.with_suffix(".py") if rest else place / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None
