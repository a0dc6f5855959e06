"""The reference of all commands: `flightline` and the runners from typer, the `make` targets from the Makefile."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

import runner_kubeflow
from flightline.cli.main import app
from flightline.cli.runner import runner_command
from scripts.docs.markdown import code, escape_prose, table
from scripts.repository import REPOSITORY

_MAKE_TARGET_PATTERN = re.compile(r"^([a-z0-9-]+):.*?## (.*)$", re.MULTILINE)
MAKEFILES = (REPOSITORY / "Makefile", REPOSITORY / "scripts" / "development.mk")
REQUIRED_MARK = "**required**"
_INTRODUCTION = """# Commands

`make help`, `flightline --help` and `--help` of each command show the same. `flightline` and `python` are those of
`.venv/bin`. [Exit codes](exit-codes.md) lists how a command can end. Generated from the code.
"""


@dataclass(frozen=True)
class Parameter:
    """An argument or an option, with its default and its description."""

    names: tuple[str, ...]
    value: str
    default: str
    description: str

    @property
    def usage(self) -> str:
        """The names and the value, as on the command line."""
        return f"{', '.join(self.names)} {self.value}".strip()


@dataclass(frozen=True)
class Command:
    """A command: the words that call it, its description, its arguments and its options."""

    words: str
    description: str
    arguments: tuple[Parameter, ...]
    options: tuple[Parameter, ...]

    @property
    def option_names(self) -> set[str]:
        return {name for option in self.options for name in option.names} | {"--help"}


def render_page() -> str:
    """The reference page."""
    text = [_INTRODUCTION, "## make\n"]
    targets = make_targets().items()
    text.append(
        table(
            ("command", "description"),
            [(code(f"make {name}"), escape_prose(description)) for name, description in targets],
        )
    )
    text.append("`ARGS='...'` passes options to the command that a target runs.\n")
    for command in list_commands():
        usage = " ".join([command.words, "[OPTIONS]", *(_usage_form(argument) for argument in command.arguments)])
        text.append(f"## {command.words}\n\n```\n{usage}\n```\n\n{escape_prose(command.description)}\n")
        rows = [
            (code(item.usage), item.default, escape_prose(item.description))
            for item in (*command.arguments, *command.options)
        ]
        if rows:
            text.append(table(("option", "default", "description"), rows))
    return "\n".join(text)


def _usage_form(argument: Parameter) -> str:
    return argument.value if argument.default == REQUIRED_MARK else f"[{argument.value}]"


def make_targets() -> dict[str, str]:
    """The targets of the Makefile and of what it includes, each with its help text."""
    texts = [path.read_text(encoding="utf-8") for path in MAKEFILES]
    return dict(_MAKE_TARGET_PATTERN.findall("\n".join(texts)))


@functools.cache
def list_commands() -> tuple[Command, ...]:
    """The commands of `flightline`, and the runners."""
    kubeflow = typer.Typer()
    kubeflow.command()(runner_kubeflow.main)
    return (
        *_walk_commands("flightline", typer.main.get_command(app)),
        *_walk_commands(
            "python runner_local.py", typer.main.get_command(runner_command("local", _runner_description("local")))
        ),
        *_walk_commands(
            "python runner_beam.py", typer.main.get_command(runner_command("beam", _runner_description("beam")))
        ),
        *_walk_commands("python runner_kubeflow.py", typer.main.get_command(kubeflow)),
    )


def _runner_description(runner: str) -> str:
    """The docstring of a runner's script."""
    docstring = re.search(r'^"""(.*?)"""', (REPOSITORY / f"runner_{runner}.py").read_text(encoding="utf-8"), re.DOTALL)
    return docstring[1] if docstring else ""


def _walk_commands(words: str, command: Any) -> Iterator[Command]:
    """The commands of a click group, recursively; a command that is not a group yields itself."""
    subcommands = getattr(command, "commands", None)
    if subcommands is not None:
        for name in sorted(subcommands):
            yield from _walk_commands(f"{words} {name}", subcommands[name])
        return
    visible = [param for param in command.params if not getattr(param, "hidden", False)]
    arguments = tuple(_parameter(param) for param in visible if param.param_type_name == "argument")
    options = tuple(
        _parameter(param) for param in visible if param.param_type_name == "option" and param.name != "help"
    )
    yield Command(words, " ".join((command.help or "").split()), arguments, options)


def _parameter(param: Any) -> Parameter:
    default = param.default() if callable(param.default) else param.default
    switch = getattr(param, "is_flag", False)
    value = "" if switch else param.metavar or param.opts[-1].lstrip("-").replace("-", "_").upper()
    names = (*param.opts, *param.secondary_opts) if param.param_type_name == "option" else ()
    description = (getattr(param, "help", None) or "").strip()
    repeat = " Can be repeated." if getattr(param, "multiple", False) else ""
    return Parameter(names, value, _default(default, param, switch), description + repeat)


def _default(default: Any, param: Any, switch: bool) -> str:
    if param.required:
        return REQUIRED_MARK
    if switch and param.secondary_opts:
        return code(param.opts[0] if default else param.secondary_opts[0])
    if switch or default in (None, "", ()) or default == []:
        return ""
    return code(str(default))
