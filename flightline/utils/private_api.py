"""The private names of other libraries that Flightline uses: listed once per library, and checked before use.

A module that needs private names of a library lists them in one `PrivateApi` and says which versions it was checked
with. Nothing is looked up before it is used, so that such a module can be imported whatever is installed.
"""

from __future__ import annotations

import dis
import importlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from types import FunctionType
from typing import Any

from flightline.errors import PrivateApiChanged


@dataclass(frozen=True)
class PrivateName:
    """A name that the library's public API does not promise.

    Attributes:
        path: `package.module:attribute`, where the attribute may be dotted, as in `package.module:Class._method`.
        parameters: the function's parameters that Flightline passes or reads.
        instance_attributes: attributes that the class must set on its instances.
    """

    path: str
    parameters: Sequence[str] = ()
    instance_attributes: Sequence[str] = ()

    @property
    def alias(self) -> str:
        """The last part of the path without underscores at its ends."""
        return self.path.rpartition(":")[2].rpartition(".")[2].strip("_")

    def find_owner(self) -> tuple[Any, str]:
        """The module or class that has the attribute, and the attribute's name.

        Raises:
            ImportError, AttributeError: the module or the class does not exist.
        """
        module, _, attributes = self.path.partition(":")
        owner: Any = importlib.import_module(module)
        *parents, name = attributes.split(".")
        for parent in parents:
            owner = getattr(owner, parent)
        return owner, name

    def find_problem(self) -> str:
        """What no longer fits; empty if everything does."""
        dotted = self.path.replace(":", ".")
        try:
            owner, name = self.find_owner()
            found = getattr(owner, name)
        except (ImportError, AttributeError):
            return f"no longer has {dotted}"
        if self.parameters:
            missing = set(self.parameters) - set(inspect.signature(found).parameters)
            if missing:
                return f"has {dotted} without the parameter {', '.join(sorted(missing))}"
        missing = set(self.instance_attributes) - (_assigned_attributes(found) if self.instance_attributes else set())
        return f"has {dotted} without the attribute {', '.join(sorted(missing))}" if missing else ""


class PrivateApi:
    """The private names of one library; each is an attribute, named without the underscores at its ends.

    Args:
        distribution: the library as pip names it.
        checked_versions: versions of the library that Flightline's tests ran with.
        names: the names; a string stands for a `PrivateName` with that path.

    Raises:
        ValueError: two names differ only in their module or class, or in these underscores.
    """

    def __init__(self, distribution: str, checked_versions: Sequence[str], names: Sequence[str | PrivateName]) -> None:
        self.distribution = distribution
        self.checked_versions = tuple(checked_versions)
        self.names: dict[str, PrivateName] = {}
        for entry in names:
            name = PrivateName(entry) if isinstance(entry, str) else entry
            if name.alias in self.names:
                raise ValueError(f"{distribution}: two private names are called {name.alias}")
            self.names[name.alias] = name

    def __getattr__(self, alias: str) -> Any:
        """The library's object of that name.

        Raises:
            PrivateApiChanged: the installed version does not have it.
            AttributeError: it is not listed.
        """
        if alias.startswith("__") or alias not in self.names:
            raise AttributeError(f"{alias} is not listed among the private names of this library")
        try:
            return getattr(*self.names[alias].find_owner())
        except (ImportError, AttributeError) as error:
            raise PrivateApiChanged(self._describe([self.names[alias].find_problem()]), self._hint()) from error

    def find_problem(self) -> str:
        """What the installed version lacks, by name and version, as one sentence; empty if it lacks nothing."""
        problems = [problem for name in self.names.values() if (problem := name.find_problem())]
        return self._describe(problems) if problems else ""

    def require(self) -> None:
        """Checks every name.

        Raises:
            PrivateApiChanged: the installed version lacks some.
        """
        if problem := self.find_problem():
            raise PrivateApiChanged(problem, self._hint())

    @contextmanager
    def replace(self, alias: str, replacement: Any) -> Iterator[None]:
        """Puts `replacement` in the place of the library's object inside the block, for the whole process."""
        original = getattr(self, alias)
        owner, name = self.names[alias].find_owner()
        setattr(owner, name, replacement)
        try:
            yield
        finally:
            setattr(owner, name, original)

    def _describe(self, problems: Sequence[str]) -> str:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return (
            f"{self.distribution} {metadata.version(self.distribution)} {problems[0]}{more};"
            f" Flightline was checked with {' and '.join(self.checked_versions)}"
        )

    def _hint(self) -> str:
        return f"install {self.distribution} {self.checked_versions[-1]}, or update Flightline"


def find_first_problem(apis: Iterable[PrivateApi]) -> str:
    """The problem of the first library that has one; empty if none has."""
    return next((problem for api in apis if (problem := api.find_problem())), "")


def _assigned_attributes(cls: type) -> set[str]:
    """Names that the methods of a class and its bases assign on an object, and fields that they declare."""
    names: set[str] = set()
    for base in inspect.getmro(cls):
        names.update(vars(base).get("__annotations__", ()))
        for member in vars(base).values():
            function = inspect.unwrap(getattr(member, "__func__", member)) if callable(member) else None
            if isinstance(function, FunctionType):
                code = dis.get_instructions(function)
                names.update(step.argval for step in code if step.opname == "STORE_ATTR")
    return names
