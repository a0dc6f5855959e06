"""`flightline new DIR`: create a project that runs at once on example data."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from flightline.cli.common import CommandGroup, make_console
from flightline.errors import StepFailed, UsageError
from flightline.new.project import create_project, library_source
from flightline.utils.terminal import escape

# What a user types for a table of one's own, on the example's table.
_EXAMPLE_COMMANDS = (
    ("data/example.py",),
    ("-m", "flightline", "init", "data/example/customers.csv", "--label", "cancelled", "--name", "example"),
)

COMMANDS = CommandGroup("Set up")
FolderArgument = Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder, which is created.")]
NameOption = Annotated[str | None, typer.Option("--name", help="The project's name; the folder's by default.")]


@COMMANDS.add("new")
def new_project(folder: FolderArgument, name: NameOption = None) -> None:
    """Create a project: pipeline, models, configs, schema, tests, Makefile, runners."""
    name = _validate_name(folder.resolve().name.lower() if name is None else name)
    library = library_source()
    create_project(folder, name, library)
    for command in _EXAMPLE_COMMANDS:
        done = subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise StepFailed(f"the example of {folder} could not be made: {done.stderr.strip()[-500:]}")
    console = make_console()
    source = library.requirement.removeprefix("-e ")
    console.print(f"Created  {escape(str(folder))}, which installs the library from {escape(source)}", soft_wrap=True)
    console.print(f"Next     [bold]cd {escape(str(folder))} && make run[/], which sets up .venv first (about 3 GB)")
    console.print("Then     [bold].venv/bin/flightline init FILE --label COLUMN[/] for your own data", soft_wrap=True)


def _validate_name(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", name):
        raise UsageError(
            f"{name} is not a name for a project: small letters and digits, with - or _ between them, a letter first",
            "give one with --name",
        )
    return name
