"""Other libraries' private names are used in few modules only, and the installed versions have all of them."""

import ast
import importlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

from flightline.utils.private_api import PrivateApi

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("flightline", "pipeline", "models")
PUBLIC_NAMES = {"_asdict", "_fields", "_make", "_replace"}  # of named tuples, in spite of their underscore


@cache
def parse_sources():
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return {path: ast.parse(path.read_bytes()) for path in files}


def assigned_private_apis(tree):
    """Names of the `PrivateApi` objects that a module makes at its top level."""
    return [
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == PrivateApi.__name__
    ]


def list_private_apis():
    """(module, name) of each; found without importing the module, which takes seconds where it imports TFX."""
    return [
        (".".join(path.relative_to(ROOT).with_suffix("").parts), name)
        for path, tree in parse_sources().items()
        for name in assigned_private_apis(tree)
    ]


def load_private_api(module, name):
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize(("module", "name"), list_private_apis())
def test_the_installed_version_has_every_private_name_that_we_list(module, name):
    assert load_private_api(module, name).find_problem() == ""


@pytest.mark.parametrize(("module", "name"), list_private_apis())
def test_the_installed_version_is_one_that_the_list_was_checked_with(module, name):
    api = load_private_api(module, name)
    assert version(api.distribution) in api.checked_versions


def is_private(name):
    return name.startswith("_") and not name.endswith("__") and name not in PUBLIC_NAMES


def is_own_object(node):
    """Whether an expression is `self`, `cls` or `super()`, whose attributes may come from a base class of ours."""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super"
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def defined_names(tree):
    """Names of functions, classes and variables of a module, and of the attributes that its classes assign."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and is_own_object(node.value):
            names.add(node.attr)
    return names


def find_foreign_private_names(tree, all_defined_names):
    """(line, name) of the private names that a module reads from something that it does not define itself."""
    defined_here = defined_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            known = all_defined_names if is_own_object(node.value) else defined_here
            if is_private(node.attr) and node.attr not in known:
                yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, alias.name) for alias in node.names if is_private(alias.name))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id.endswith("attr"):
            words = [word.value for word in node.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
            yield from ((node.lineno, word) for word in words if is_private(word) and word not in defined_here)


def find_overridden_private_names(tree, listed):
    """(line, name) of the methods that a module names as a private name of a library that is listed somewhere."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            methods = [member for member in node.body if isinstance(member, ast.FunctionDef)]
            yield from ((member.lineno, member.name) for member in methods if member.name in listed)


def modules_without_private_apis():
    """The modules that must not use private names: all but those that list some, and the package around TFX's."""
    return {
        path: tree
        for path, tree in parse_sources().items()
        if not assigned_private_apis(tree) and path.parent.name != "tfx_internals"
    }


def test_private_names_of_libraries_are_read_only_where_they_are_listed():
    ours = set().union(*map(defined_names, parse_sources().values()))
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, tree in modules_without_private_apis().items()
        for line, name in find_foreign_private_names(tree, ours)
    ]
    assert found == []


def test_private_methods_of_libraries_are_overridden_only_where_they_are_listed():
    apis = [load_private_api(module, name) for module, name in list_private_apis()]
    listed = {entry.path.rpartition(".")[2].rpartition(":")[2] for api in apis for entry in api.names.values()}
    found = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path, tree in modules_without_private_apis().items()
        for line, name in find_overridden_private_names(tree, {name for name in listed if is_private(name)})
    ]
    assert found == []


def test_private_modules_of_tensorflow_are_imported_nowhere():
    found = []
    for path, tree in parse_sources().items():
        for node in ast.walk(tree):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            found += [f"{path}:{node.lineno}" for module in modules if module.startswith("tensorflow.python")]
    assert found == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("from tfx import launcher\nlauncher.Launcher._run_executor", ["_run_executor"]),
        ("from tfx.launcher import _run", ["_run"]),
        ("class A(Base):\n    def f(self):\n        return self._of_base", ["_of_base"]),
        ("class A(Base):\n    def f(self):\n        return super()._make()", []),  # a base class of ours has it
        ("getattr(combiner, '_buckets')", ["_buckets"]),
        ("class A:\n    def f(self, other):\n        self._x = 1\n        return other._x, self._x", []),
        ("class A:\n    def f(self, stock):\n        stock._hook = self", ["_hook"]),
        ("row._replace(a=1), row.__dict__", []),
    ],
)
def test_the_search_finds_private_names_and_only_those(code, found):
    tree = ast.parse(code)
    assert [name for _, name in find_foreign_private_names(tree, {"_make"} | defined_names(tree))] == found
