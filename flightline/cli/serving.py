"""`flightline serve | score | canary | shadow | deploy`. Imports TensorFlow only to score."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml

from flightline.cli.common import ConfigOption, with_exit_codes
from flightline.config.loader import DEFAULT_CONFIG, load_config
from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.releases import audit_log
from flightline.releases.manifests import PLATFORMS, build_manifests, read_canary
from flightline.releases.manifests.bundle import write_bundle
from flightline.releases.registry import current_version, read_releases
from flightline.releases.rollout import set_canary, set_shadow
from flightline.utils.files import atomic_write

SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="a.b=value", help="Overrides a key of the config.")
]


def register_commands(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("serve")(with_exit_codes(serve_release))
    app.command("score")(with_exit_codes(score_files))
    app.command("canary")(with_exit_codes(start_canary))
    app.command("shadow")(with_exit_codes(start_shadow))
    app.command("deploy")(with_exit_codes(deploy_release))


def score_files(
    inputs: Annotated[
        list[str],
        typer.Option("--input", metavar="FILES", help="CSV or Parquet files, a glob or a folder; repeatable."),
    ],
    output: Annotated[Path, typer.Option("--output", metavar="DIR", help="Gets predictions.parquet and rejected.csv.")],
    version: Annotated[
        str | None, typer.Option("--release", metavar="VERSION", help="The release; the current one by default.")
    ] = None,
    engine: Annotated[str | None, typer.Option(help="Where Beam's work is done; engine.name of the config.")] = None,
    run_id: Annotated[str | None, typer.Option(help="Names the run; made of the time by default.")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="One line an event, for logs and pipes.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Score whole files with a release: predictions as Parquet, with file, line, version and time."""
    from flightline.runs.process.log_capture import silence_output
    from flightline.runs.scoring import ScoreRequest, run_scoring

    asked = [*(overrides or []), *([f"engine.name={engine}"] if engine else [])]
    code = run_scoring(load_config(config, asked), ScoreRequest(inputs, output, version, run_id, plain))
    silence_output()
    raise typer.Exit(code)


VersionArgument = Annotated[str | None, typer.Argument(metavar="VERSION", help="The release; none ends the rollout.")]


def start_canary(
    version: VersionArgument = None,
    traffic_share: Annotated[
        float, typer.Option(help="Share of the requests, chosen by a hash of the request id.")
    ] = 0.1,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Let a release answer a share of the requests; the server rolls it back automatically if it does worse."""
    loaded = load_config(config)
    set_canary(loaded.releases, version, traffic_share)
    _record_rollout(loaded, "canary", version, traffic_share=traffic_share)
    started = f"release {version} of {loaded.name} answers {traffic_share:.0%} of the requests"
    typer.echo(started if version else "the canary is ended")


def start_shadow(version: VersionArgument = None, config: ConfigOption = DEFAULT_CONFIG) -> None:
    """Let a release predict for every request as a shadow: into the prediction log only."""
    loaded = load_config(config)
    set_shadow(loaded.releases, version)
    _record_rollout(loaded, "shadow", version)
    started = f"release {version} of {loaded.name} predicts into the log as a shadow"
    typer.echo(started if version else "the shadow is ended")


def _record_rollout(config: Config, role: str, version: str | None, **facts: float) -> None:
    if version:
        audit_log.record(config.workspace, f"{role} started", release=version, **facts)
    else:
        audit_log.record(config.workspace, f"{role} ended")


def deploy_release(
    kind: Annotated[str, typer.Option("--manifest", metavar="|".join(PLATFORMS), help="The platform.")],
    version: Annotated[
        str | None, typer.Option("--release", metavar="VERSION", help="The release; the current one by default.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write to this file; to stdout by default.")
    ] = None,
    copy_to: Annotated[
        Path | None,
        typer.Option("--bundle", metavar="DIR", help="Also copy the release here, in the form that platforms load."),
    ] = None,
    config: ConfigOption = DEFAULT_CONFIG,
    overrides: SetOption = None,
) -> None:
    """Write Kubernetes manifests that serve a release, and its canary if there is one (docs/kubernetes.md)."""
    if kind not in PLATFORMS:
        raise UsageError(f"--manifest {kind}: unknown platform", f"choose from {', '.join(PLATFORMS)}")
    loaded = load_config(config, overrides or ())
    known = {release.version: release for release in read_releases(loaded.releases)}
    canary_file = read_canary(loaded) if version is None else None
    version = version or current_version(loaded.releases)
    for wanted in filter(None, (version, canary_file and canary_file[0])):
        if wanted not in known:
            raise UsageError(f"there is no release {wanted} of {loaded.name}", "list releases: `flightline releases`")
    if version is None:
        raise UsageError(f"no model of {loaded.name} is released", "release a model first: `make run`")
    canary = (known[canary_file[0]], canary_file[1]) if canary_file else None
    text = yaml.safe_dump_all(build_manifests(loaded, kind, known[version], canary), sort_keys=False)  # type: ignore[arg-type]
    if copy_to is not None:
        for release in filter(None, (known[version], canary and canary[0])):
            typer.echo(f"copied to {write_bundle(loaded, release, copy_to)}", err=True)
    if output is None:
        typer.echo(text, nl=False)
    else:
        output.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(output, text)


def serve_release(config: ConfigOption = DEFAULT_CONFIG, overrides: SetOption = None) -> None:
    """Serve the current release over HTTP and gRPC, on this machine, until Ctrl-C."""
    from flightline.releases.server import serve

    raise typer.Exit(serve(load_config(config, overrides or ())))
