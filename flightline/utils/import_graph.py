"""Which code a module depends on: its own file and, as far down as they go, those that it imports from this project.

Read from the source, not run. An import by a computed name is not seen; what is called by a dotted path in the config
is a module of its own, and named beside.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterable
from pathlib import Path

PROJECT_PACKAGES = ("flightline", "pipeline", "models")


def import_closure(modules: Iterable[str]) -> dict[str, Path]:
    """Module name → file, for the modules and all that they import from the packages they are in, `pipeline` and
    `models`.

    Raises:
        ModuleNotFoundError: one of `modules` does not exist.
    """
    asked = list(modules)
    within = {*PROJECT_PACKAGES, *(name.split(".")[0] for name in asked)}
    found: dict[str, Path] = {}
    todo, seen = list(asked), set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _module_file(name)
        if path is None:
            if name in asked:
                raise ModuleNotFoundError(f"there is no module {name}")
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        todo += _parent_packages(name)
        todo += [other for other in _imported_names(package, path.read_bytes()) if other.split(".")[0] in within]
    return found


def _parent_packages(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


@functools.lru_cache(maxsize=1024)
def _imported_names(package: str, code: bytes) -> frozenset[str]:
    """What a module of `package` imports, wherever in it; of `from a import b`, both `a` and, should it be a module,
    `a.b`. A run asks for the closures of a dozen modules, which have most of their files in common."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                source = importlib.util.resolve_name("." * node.level + source, package)
            names.add(source)
            names.update(f"{source}.{alias.name}" for alias in node.names)
    return frozenset(names)


def _module_file(name: str) -> Path | None:
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
