"""`flightline init FILE... --label COLUMN`: from a table to a pipeline that runs. Without TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from google.protobuf import text_format
from pydantic import ValidationError
from tensorflow_metadata.proto.v0 import schema_pb2

from flightline.cli.common import make_console, with_exit_codes
from flightline.config.default_config import adopt_config
from flightline.config.feature_plan import plan_features
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.init.config_text import render_config
from flightline.init.input_location import input_location, pipeline_name, validate_pipeline_name
from flightline.init.profile import profile_table
from flightline.init.schema_text import render_schema
from flightline.init.screen import print_profile
from flightline.init.target import Task
from flightline.utils.files import atomic_write
from flightline.utils.safe_yaml import parse_yaml

Files = Annotated[list[str], typer.Argument(metavar="FILE...", help="CSV (plain, .gz, .zst) or Parquet, one table.")]
LabelOption = Annotated[str, typer.Option("--label", metavar="COLUMN", help="The column to predict.")]
NameOption = Annotated[str | None, typer.Option("--name", help="Names the pipeline; made of the file's by default.")]
TaskOption = Annotated[
    str | None, typer.Option("--task", help="binary, multiclass or regression; inferred by default.")
]
PositiveOption = Annotated[
    str | None, typer.Option("--positive", metavar="VALUE", help="Of two classes, the one meant.")
]
KeepOption = Annotated[
    list[str] | None, typer.Option("--keep", metavar="COLUMN", help="Do not leave it out; repeatable.")
]
MissingOption = Annotated[
    list[str] | None, typer.Option("--missing", metavar="TEXT", help="A CSV cell that means no value; repeatable.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite the config and the schema.")]


def register_commands(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("init")(with_exit_codes(init))


def init(
    files: Files,
    label: LabelOption,
    name: NameOption = None,
    task: TaskOption = None,
    positive: PositiveOption = None,
    keep: KeepOption = None,
    missing: MissingOption = None,
    force: ForceOption = False,
) -> None:
    """Look at a table; write a config and a schema for it that a run needs nothing more than."""
    name = pipeline_name(files) if name is None else validate_pipeline_name(name)
    asked, where = _parse_task(task), input_location(files)
    found = profile_table(files, label, asked, positive, keep or [], missing or [])
    targets = Path("configs") / f"{name}.yaml", Path("schema") / f"{name}.pbtxt"
    there = [str(path) for path in targets if path.exists()]
    if there and not force:
        raise UsageError(f"{' and '.join(there)} would be overwritten", "--force does so, --name chooses another name")
    texts = render_config(found, name, where), render_schema(found, name)
    _check_texts(*texts)
    for path, text in zip(targets, texts, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(path, text)
    console = make_console()
    print_profile(console, found)
    console.print(f"\nWritten  {targets[0]} and {targets[1]}: read what is left out and why")
    is_default = adopt_config(targets[0])
    command = "make run" if is_default else f".venv/bin/python runner_local.py --config {targets[0]}"
    console.print(f"Next     [bold]{command}[/]", soft_wrap=True)


def _parse_task(asked: str | None) -> Task | None:
    match asked:
        case None | "binary" | "multiclass" | "regression":
            return asked
    raise UsageError(f"--task {asked}", "binary, multiclass or regression")


def _check_texts(config: str, schema: str) -> None:
    """Nothing is written that a run would refuse.

    Raises:
        UsageError: the table asks for what a config cannot say.
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
