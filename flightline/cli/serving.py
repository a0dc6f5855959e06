"""`flightline serve | canary | shadow | deploy`: releases that answer requests."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml

from flightline.cli.common import CommandGroup, ReleaseOption
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases.manifests import PLATFORMS, build_manifests, read_canary
from flightline.releases.manifests.bundle import write_bundle
from flightline.releases.release import current_version, read_releases
from flightline.releases.rollout import set_canary, set_shadow
from flightline.utils.files import atomic_write

COMMANDS = CommandGroup("Serve and monitor")
VersionArgument = Annotated[str | None, typer.Argument(metavar="VERSION", help="The release.")]


@COMMANDS.add("serve")
def serve_release(config: Config) -> None:
    """Serve the current release over HTTP and gRPC on this machine, until Ctrl-C."""
    from flightline.releases.server import serve

    raise typer.Exit(serve(config))


@COMMANDS.add("canary")
def start_canary(
    config: Config,
    version: VersionArgument = None,
    traffic_share: Annotated[
        float, typer.Option("--traffic-share", help="The share of the requests, chosen by a hash of the request id.")
    ] = 0.1,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the canary.")] = False,
) -> None:
    """Let a release answer a share of the requests; the server rolls it back by itself if it does worse."""
    _check_version_or_stop("canary", version, stop)
    set_canary(config.releases, version, traffic_share, config.workspace)
    if version is None:
        _end_rollout(config, "canary")
        return
    typer.echo(f"release {version} of {config.name} answers {traffic_share:.0%} of the requests")


@COMMANDS.add("shadow")
def start_shadow(
    config: Config,
    version: VersionArgument = None,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the shadow.")] = False,
) -> None:
    """Let a release predict every request too, for the prediction log alone."""
    _check_version_or_stop("shadow", version, stop)
    set_shadow(config.releases, version, config.workspace)
    if version is None:
        _end_rollout(config, "shadow")
        return
    typer.echo(f"release {version} of {config.name} predicts every request for the log")


def _check_version_or_stop(kind: str, version: str | None, stop: bool) -> None:
    if stop == (version is not None):
        raise UsageError(
            f"`flightline {kind}` needs either a VERSION or --stop", f"`flightline {kind} --help` explains them"
        )


def _end_rollout(config: Config, kind: str) -> None:
    typer.echo(f"the {kind} of {config.name} is stopped")


@COMMANDS.add("deploy")
def deploy_release(
    config: Config,
    platform: Annotated[
        str, typer.Option("--manifest", metavar="|".join(PLATFORMS), help="The platform that will serve the release.")
    ],
    version: ReleaseOption = None,
    output: Annotated[
        Path | None, typer.Option("--output", metavar="FILE", help="The file for the manifests; stdout by default.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="DIR", help="Copy the release to this folder, laid out for the platform."),
    ] = None,
) -> None:
    """Write Kubernetes manifests that serve a release, and its canary if there is one (docs/kubernetes.md)."""
    if platform not in PLATFORMS:
        raise UsageError(f"--manifest {platform}: unknown platform", f"choose from {', '.join(PLATFORMS)}")
    known = {release.version: release for release in read_releases(config.releases)}
    rollout = read_canary(config) if version is None else None
    version = version or current_version(config.releases)
    for wanted in filter(None, (version, rollout and rollout[0])):
        if wanted not in known:
            raise UsageError(f"there is no release {wanted} of {config.name}", "list releases: `flightline releases`")
        known[wanted].require_intact()
    if version is None:
        raise UsageError(f"no model of {config.name} is released", "release a model first: `make run`")
    canary = (known[rollout[0]], rollout[1]) if rollout else None
    manifests = build_manifests(config, platform, known[version], canary)  # type: ignore[arg-type]
    text = yaml.safe_dump_all(manifests, sort_keys=False)
    if bundle is not None:
        for release in filter(None, (known[version], canary and canary[0])):
            typer.echo(f"copied to {write_bundle(config, release, bundle)}", err=True)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(output, text)
