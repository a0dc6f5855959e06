"""`flightline init FILE... --label COLUMN`: write a config and a schema for a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import text_format
from pydantic import ValidationError
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.cli.common import CommandGroup, make_console
from flightline.config.default_config import adopt_config
from flightline.config.feature_planning import plan_features
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.init.config_text import render_config
from flightline.init.input_location import input_location, pipeline_name, validate_pipeline_name
from flightline.init.profile import profile_table
from flightline.init.schema_text import render_schema
from flightline.init.screen import print_profile
from flightline.serving.target import Task
from flightline.utils.files import atomic_write
from flightline.utils.safe_yaml import parse_yaml

COMMANDS = CommandGroup("Set up")
Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="The files of one table: CSV (plain, .gz, .zst) or Parquet.")
]
LabelOption = Annotated[str, typer.Option("--label", metavar="COLUMN", help="The column to predict.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Name of the pipeline; by default from the file name.")]
TaskOption = Annotated[
    str | None, typer.Option("--task", help="binary, multiclass or regression; inferred by default.")
]
PositiveOption = Annotated[
    str | None, typer.Option("--positive", metavar="VALUE", help="The positive class of two; inferred by default.")
]
IncludeOption = Annotated[
    list[str] | None, typer.Option("--include", metavar="COLUMN", help="Do not exclude this column; repeatable.")
]
MissingValueOption = Annotated[
    list[str] | None, typer.Option("--missing-value", metavar="TEXT", help="CSV cell that counts as empty; repeatable.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite the config and the schema.")]


@COMMANDS.add("init")
def init_project(
    files: Files,
    label: LabelOption,
    name: NameOption = None,
    task: TaskOption = None,
    positive: PositiveOption = None,
    include: IncludeOption = None,
    missing_value: MissingValueOption = None,
    force: ForceOption = False,
) -> None:
    """Profile a table, and write the config and the schema that a run needs."""
    name = pipeline_name(files) if name is None else validate_pipeline_name(name)
    location = input_location(files)
    profile = profile_table(files, label, _parse_task(task), positive, include or [], missing_value or [])
    targets = Path("configs") / f"{name}.yaml", Path("schema") / f"{name}.pbtxt"
    existing = [str(path) for path in targets if path.exists()]
    if existing and not force:
        raise UsageError(f"{' and '.join(existing)} would be overwritten", "use --force, or another --name")
    texts = render_config(profile, name, location), render_schema(profile, name)
    _check_texts(*texts)
    for path, text in zip(targets, texts, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, text)
    console = make_console()
    print_profile(console, profile)
    console.print(f"\nWritten  {targets[0]} and {targets[1]}: check which columns are excluded, and why")
    is_default = adopt_config(targets[0])
    command = "make run" if is_default else f".venv/bin/python runner_local.py --config {targets[0]}"
    console.print(f"Next     [bold]{command}[/]", soft_wrap=True)


def _parse_task(task: str | None) -> Task | None:
    match task:
        case None | "binary" | "multiclass" | "regression":
            return task
    raise UsageError(f"--task {task} is unknown", "choose binary, multiclass or regression")


def _check_texts(config: str, schema: str) -> None:
    """Check that a run accepts the config and the schema.

    Raises:
        UsageError: it would reject them.
    """
    try:
        read = Config.model_validate(parse_yaml(config))
        plan_features(text_format.Parse(schema, schema_pb2.Schema()), read.label, read.features, read.target)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"{'.'.join(map(str, first['loc']))}: {first['msg']}", "choose another --name or --label"
        ) from error
    except ValueError as error:
        raise UsageError(str(error)) from error
