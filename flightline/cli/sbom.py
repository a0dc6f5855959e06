"""`flightline sbom`: the software bill of materials of a release."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from flightline.cli.common import CommandGroup, ReleaseOption
from flightline.config.loader import MAX_CONFIG_MB
from flightline.config.release import ModelCardConfig
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.provenance import read_provenance
from flightline.releases.release import CURRENT_RELEASE, find_release
from flightline.releases.requirements_lock import find_lock_text, parse_pins, select_pins
from flightline.releases.sbom import SbomInputs, build_cyclonedx
from flightline.utils.files import atomic_write, read_small_text
from flightline.utils.safe_yaml import parse_yaml

COMMANDS = CommandGroup("Manage releases")


@COMMANDS.add("sbom")
def write_sbom(
    config: Config,
    version: ReleaseOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The file to write; stdout by default.")
    ] = None,
) -> None:
    """Write the bill of materials of a release as CycloneDX JSON: its files, packages, data, schema, model card."""
    inputs = read_sbom_inputs(config, version or CURRENT_RELEASE)
    text = json.dumps(build_cyclonedx(inputs), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(output, text)
    except OSError as error:
        raise UsageError(f"{output} cannot be written: {error}") from error


def read_sbom_inputs(config: Config, version: str) -> SbomInputs:
    """Read what the bill of materials of a release shows.

    Raises:
        UsageError: there is no such release, or its run's folder or lock is missing.
        ArtifactDamaged: its files are not those that were released.
    """
    release = find_release(config, version)
    run = str(release.metadata.get("run", ""))
    folder = config.run_folder(run)
    provenance = read_provenance(folder)
    if provenance is None or not {"lock", "schema", "data"} <= set(provenance.digests):
        raise UsageError(
            f"the provenance of run {run} is missing from {folder}: the packages are unknown", "choose another release"
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


def _read_label_and_card(path: Path) -> tuple[str, ModelCardConfig]:
    """Read the label and the model card from a run's copy of its config; other keys may be of another version.

    Raises:
        UsageError: the copy is missing or invalid.
    """
    try:
        config = parse_yaml(read_small_text(path, MAX_CONFIG_MB))
        return str(config["label"]), ModelCardConfig.model_validate(config.get("model_card") or {})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{path} is not a run's config: {error}") from error
