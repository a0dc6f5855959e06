"""`flightline sbom`: the bill of materials of a release. Imports no TensorFlow."""

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
from flightline.metadata.runs import Runs
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
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this file; to stdout by default.")
    ] = None,
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
    """Collect the content of a release's bill of materials.

    Raises:
        UsageError: there is no such release, or its run's folder or lock no longer exists.
    """
    release = find_release(Runs.open(config), config, version)
    run = str(release.metadata.get("run", ""))
    folder = config.run_folder(run)
    provenance = read_provenance(folder)
    if provenance is None or not {"lock", "schema", "data"} <= set(provenance.digests):
        raise UsageError(
            f"the provenance of run {run} is missing in {folder}, so its packages are unknown", "choose another release"
        )
    label, card = _read_label_and_card(folder / "config.yaml")
    pins = parse_pins(find_lock_text(provenance.digests["lock"], provenance.commit))
    return SbomInputs(
        name=config.name,
        version=release.version,
        path=release.path,
        run=run,
        released=float(release.version),
        provenance=provenance,
        pins=select_pins(pins, provenance.versions["Python"]),
        metrics=release.metadata.get("metrics", {}),
        label=label,
        target=release.metadata.get("target") or {},
        card=card,
    )


def _read_label_and_card(path: Path) -> tuple[str, CardConfig]:
    """Read the label and the model card from a run's config; other keys may be those of another Flightline version.

    Raises:
        UsageError: the file is missing or not a config.
    """
    try:
        config = parse_yaml(read_small_text(path, MAX_CONFIG_MB))
        return str(config["label"]), CardConfig.model_validate(config.get("card") or {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not the config of a run: {error}") from error
