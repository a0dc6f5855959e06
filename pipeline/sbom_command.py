"""`flightline sbom`: what a release is made of, for whoever audits it. Without TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli_common import ConfigOption, with_exit_codes
from pipeline.config import CardConfig, Config
from pipeline.config_file import DEFAULT_CONFIG, LARGEST_MB, load_config
from pipeline.errors import UsageError
from pipeline.lock_file import lock_of, pins_for, read_pins
from pipeline.metadata.ancestry import CURRENT
from pipeline.metadata.runs import Runs
from pipeline.plain_yaml import parse
from pipeline.releases import write_whole
from pipeline.report.origin import read_origin
from pipeline.sbom import Bill, cyclonedx
from pipeline.text_files import read_small_text


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("sbom")(with_exit_codes(bill_of_release))


def bill_of_release(
    version: Annotated[
        str, typer.Option("--release", metavar="VERSION", help="The release; the current one by default.")
    ] = CURRENT,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Gets the bill; stdout by default.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the bill of materials of a release as CycloneDX JSON: its files, packages, data, schema, model card."""
    text = json.dumps(cyclonedx(bill_of(load_config(config), version)), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        write_whole(output, text)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error}") from error


def bill_of(config: Config, version: str) -> Bill:
    """What the bill of a release is about.

    Raises:
        UsageError: there is no such release, or its run's folder or lock is gone.
    """
    release = Runs.open(config).release(version)
    run = str(release.about.get("run", ""))
    folder = config.run_folder(run)
    origin = read_origin(folder)
    if origin is None or not {"lock", "schema", "data"} <= set(origin.digests):
        raise UsageError(f"the folder of run {run}, {folder}, with its origin is gone: the packages are not known")
    label, card = _label_and_card(folder / "config.yaml")
    pins = read_pins(lock_of(origin.digests["lock"], origin.commit))
    return Bill(
        name=config.name,
        version=release.version,
        path=release.path,
        run=run,
        released=float(release.version),
        origin=origin,
        pins=pins_for(pins, origin.versions["Python"]),
        metrics=release.about.get("metrics", {}),
        label=label,
        card=card,
    )


def _label_and_card(path: Path) -> tuple[str, CardConfig]:
    """Of the config that a run kept; its other keys may be those of another Flightline.

    Raises:
        UsageError: it is gone or none.
    """
    try:
        kept = parse(read_small_text(path, LARGEST_MB))
        return str(kept["label"]), CardConfig.model_validate(kept.get("card") or {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not the config that a run kept: {error}") from error
