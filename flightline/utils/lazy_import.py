"""Delay a module that TFX imports until it is first used.

`tfx.v1` imports Vertex AI's client, which takes two fifths of its import time, for components that few pipelines have.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

LAZY_MODULE = "tfx.v1.extensions.google_cloud_ai_platform"


def lazy_load_vertex() -> None:
    """Delay the import of Vertex AI's client. Call it before TFX is imported; a later or second call has no effect."""
    if not any(isinstance(finder, _LazyFinder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _LazyFinder())


class _LazyFinder(importlib.abc.MetaPathFinder):
    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != LAZY_MODULE:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _LazyLoader(spec.loader)
        return spec


class _LazyLoader(importlib.abc.Loader):
    def __init__(self, real: importlib.abc.Loader) -> None:
        self._real = real

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _LazyModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__load__"] = self._real.exec_module


class _LazyModule(ModuleType):
    """A module that loads on first use. importlib's LazyLoader would load as soon as `inspect` reads `__file__`."""

    def __getattr__(self, name: str) -> Any:
        load = self.__dict__.get("__load__")
        if load is None or name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        del self.__dict__["__load__"]
        load(self)
        return getattr(self, name)
