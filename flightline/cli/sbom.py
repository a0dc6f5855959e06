"""`flightline sbom`: what a release is made of, for whoever audits it. Without TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from flightline.cli.common import ConfigOption, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, MAX_CONFIG_MB, load_config
from flightline.config.settings import CardConfig, Config
from flightline.errors import UsageError
from flightline.metadata.provenance import read_provenance
from flightline.releases.lineage import CURRENT_RELEASE
from flightline.releases.release import find_release
from flightline.releases.requirements_lock import find_lock_text, parse_pins, select_pins
from flightline.releases.sbom import SbomInputs, build_cyclonedx
from flightline.utils.files import atomic_write, read_small_text
from flightline.utils.safe_yaml import parse_yaml


def register_commands(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("sbom")(with_exit_codes(write_sbom))


def write_sbom(
    version: Annotated[
        str, typer.Option("--release", metavar="VERSION", help="The release; the current one by default.")
    ] = CURRENT_RELEASE,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Gets the bill; stdout by default.")] = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Write the bill of materials of a release as CycloneDX JSON: its files, packages, data, schema, model card."""
    text = json.dumps(build_cyclonedx(read_bill(load_config(config), version)), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(output, text)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error}") from error


def read_bill(config: Config, version: str) -> SbomInputs:
    """What the bill of a release is about.

    Raises:
        UsageError: there is no such release, or its run's folder or lock is gone.
    """
    release = find_release(config, version)
    run = str(release.about.get("run", ""))
    folder = config.run_folder(run)
    origin = read_provenance(folder)
    if origin is None or not {"lock", "schema", "data"} <= set(origin.digests):
        raise UsageError(f"the folder of run {run}, {folder}, with its origin is gone: the packages are not known")
    label, card = _read_label_and_card(folder / "config.yaml")
    pins = parse_pins(find_lock_text(origin.digests["lock"], origin.commit))
    return SbomInputs(
        name=config.name,
        version=release.version,
        path=release.path,
        run=run,
        released=float(release.version),
        origin=origin,
        pins=select_pins(pins, origin.versions["Python"]),
        metrics=release.about.get("metrics", {}),
        label=label,
        card=card,
    )


def _read_label_and_card(path: Path) -> tuple[str, CardConfig]:
    """Of the config that a run kept; its other keys may be those of another Flightline.

    Raises:
        UsageError: it is gone or none.
    """
    try:
        kept = parse_yaml(read_small_text(path, MAX_CONFIG_MB))
        return str(kept["label"]), CardConfig.model_validate(kept.get("card") or {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not the config that a run kept: {error}") from error
