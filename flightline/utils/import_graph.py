"""The files that a module depends on: its own, and those of the project modules that it imports, recursively.

Imports are read from the source; nothing is run. An import by a computed name is not seen. A function that the config
names by a dotted path is such a case: callers pass its module as well.
"""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections.abc import Iterable, Iterator
from pathlib import Path

PROJECT_PACKAGES = ("flightline", "pipeline", "models")


def import_closure(modules: Iterable[str]) -> dict[str, Path]:
    """Return module name → file of the modules and of everything that they import, recursively.

    Followed are imports of PROJECT_PACKAGES and of the top-level packages of `modules`.

    Raises:
        ModuleNotFoundError: one of `modules` does not exist.
        SyntaxError: a file cannot be parsed; `filename` is its path.
    """
    entries = list(modules)
    within = {*PROJECT_PACKAGES, *(name.split(".")[0] for name in entries)}
    found: dict[str, Path] = {}
    pending, seen = list(entries), set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        path = _module_file(name)
        if path is None:
            if name in entries:
                raise ModuleNotFoundError(f"there is no module {name}", name=name)
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        pending += _parent_packages(name)
        try:
            imported = _imported_names(package, path.read_bytes())
        except SyntaxError as error:
            error.filename = str(path)
            raise
        pending += [other for other in imported if other.split(".")[0] in within]
    return found


def _parent_packages(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


@functools.lru_cache(maxsize=1024)
def _imported_names(package: str, code: bytes) -> frozenset[str]:
    """Return the names that a module of `package` imports, at any level; for `from a import b` both `a` and `a.b`.

    Imports for annotations alone (`if TYPE_CHECKING:`) are left out: nothing is computed with them. Cached: a run
    computes the closures of a dozen modules, which share most of their files.
    """
    names: set[str] = set()
    for node in _walk_executed(ast.parse(code)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            source = node.module or ""
            if node.level:
                source = importlib.util.resolve_name("." * node.level + source, package)
            names.add(source)
            names.update(f"{source}.{alias.name}" for alias in node.names)
    return frozenset(names)


def _walk_executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a syntax tree, without those under `if TYPE_CHECKING:`."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for alternative in child.orelse:
                yield from _walk_executed(alternative)
        else:
            yield from _walk_executed(child)


def _module_file(name: str) -> Path | None:
    """Return the file of a module without importing its parents; None where there is none."""
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
