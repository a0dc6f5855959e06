"""Shared parts of all `flightline` commands: registration, options, exit codes, the console, JSON.

A command is a function in a module of this package, added by `@COMMANDS.add("name")` to the module's `CommandGroup`;
`main.py` lists the groups. A parameter `config: Config` or `project: Project` becomes the options --config and --set.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from flightline.api.project import Project
from flightline.api.run import Run
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.config.settings import Config
from flightline.errors import FlightlineError, print_error
from flightline.utils.diagnostics import explain_os_error

PIPE_WIDTH = 200
ConfigOption = Annotated[Path, typer.Option("--config", metavar="FILE", help="The pipeline's config.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="a.b=value", help="Override a key of the config; repeatable.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, and nothing else.")]
LimitOption = Annotated[
    int | None, typer.Option("--limit", min=1, metavar="N", help="Show the newest N only; all by default.")
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="The id of a run, `latest` or `previous`.")]
RunIdOption = Annotated[str | None, typer.Option("--run-id", help="The id of the run; its start time by default.")]
PlainOption = Annotated[bool, typer.Option("--plain", help="Print one line per event, for logs and pipes.")]
ReleaseOption = Annotated[
    str | None, typer.Option("--release", metavar="VERSION", help="The release; the current one by default.")
]
Command = TypeVar("Command", bound=Callable[..., None])


class CommandGroup:
    """The commands of one module.

    Attributes:
        title: the panel of `flightline --help` that shows them.
        parent: the command that they are sub-commands of; empty where they are commands themselves.
    """

    def __init__(self, title: str, parent: str = "", about: str = "") -> None:
        self.title = title
        self.parent = parent
        self._about = about
        self._commands: list[tuple[str, Callable[..., None]]] = []

    def add(self, name: str) -> Callable[[Command], Command]:
        """Decorate a function: it becomes the command `name`."""

        def decorate(command: Command) -> Command:
            self._commands.append((name, command))
            return command

        return decorate

    def register(self, app: typer.Typer) -> None:
        """Add the commands to `flightline`."""
        target = app
        if self.parent:
            target = typer.Typer(no_args_is_help=True, help=self._about)
            app.add_typer(target, name=self.parent, rich_help_panel=self.title)
        panel = None if self.parent else self.title
        for name, command in self._commands:
            target.command(name, rich_help_panel=panel)(_with_exit_codes(_with_config_options(command)))


def _with_config_options(command: Callable[..., None]) -> Callable[..., None]:
    """Replace a parameter of type Config or Project by --config and --set."""
    declared = inspect.signature(command, eval_str=True).parameters
    hints = {name: parameter.annotation for name, parameter in declared.items()}
    wanted = next((name for name, hint in hints.items() if hint in (Config, Project)), None)
    if wanted is None:
        return command
    parameters: list[inspect.Parameter] = []
    for parameter in declared.values():
        if parameter.name == wanted:
            option = inspect.Parameter("config_file", inspect.Parameter.KEYWORD_ONLY, default=DEFAULT_CONFIG)
            parameters.append(option.replace(annotation=ConfigOption))
            parameters.append(option.replace(name="overrides", default=None, annotation=SetOption))
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY))

    def call(*, config_file: Path, overrides: list[str] | None, **arguments: Any) -> None:
        config = load_config(config_file, overrides or ())
        command(**{wanted: config if hints[wanted] is Config else Project(config)}, **arguments)

    call.__name__, call.__doc__ = command.__name__, command.__doc__
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return call


def _with_exit_codes(command: Callable[..., None]) -> Callable[..., None]:
    """Show an error as one line on stderr, and exit with its code."""

    @wraps(command)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except FlightlineError as error:
            print_error(sys.stderr, error)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError:
            raise  # the reader of stdout has ended, which typer handles
        except OSError as error:
            explained = explain_os_error(error)
            print_error(sys.stderr, explained)
            raise typer.Exit(explained.exit_code) from error

    return guarded


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """The reader of the pipe has ended (`| head`): print no more, and let the command finish its work."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def make_console() -> Console:
    """A console as wide as the terminal; in a pipe as wide as the widest table."""
    return _Console(width=None if sys.stdout.isatty() else PIPE_WIDTH, highlight=False)


def make_table(*columns: str) -> Table:
    """A table without lines, whose long cells are folded."""
    table = Table(box=None, header_style="dim", pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def warn_foreign_runs(runs: Iterable[Run]) -> None:
    """Say on stderr which of the runs belong to another pipeline than the config's."""
    for run in runs:
        if not run.belongs_to_project:
            typer.echo(f"run {run.run_id} belongs to the pipeline {run.pipeline}", err=True)


def print_json(document: Any) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(document, indent=2))
