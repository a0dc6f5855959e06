"""Commands whose options come in groups: each group is a dataclass, each of its fields an option."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_type_hints


def flatten_option_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Turn `command(group, ...)`, whose parameters are dataclasses, into a function of their fields for Typer.

    A field is declared as a Typer parameter is: `name: Annotated[type, typer.Option(...)] = default`. Field names must
    be unique among the groups.
    """
    groups = {name: group for name, group in get_type_hints(command).items() if name != "return"}
    annotations: dict[str, Any] = {}
    parameters = []
    for group in groups.values():
        annotations |= get_type_hints(group, include_extras=True)
        parameters += [
            inspect.Parameter(
                field.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=field.default,
                annotation=annotations[field.name],
            )
            for field in fields(group)
        ]

    def flat(**values: Any) -> None:
        command(**{name: group(**{f.name: values[f.name] for f in fields(group)}) for name, group in groups.items()})

    flat.__doc__ = command.__doc__
    flat.__annotations__ = annotations
    flat.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return flat
