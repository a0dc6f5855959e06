"""The command line of `runner_local.py` and `runner_beam.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from flightline.cli.option_groups import flatten_option_groups
from flightline.config.engines import ENGINES
from flightline.config.loader import DEFAULT_CONFIG
from flightline.engines.arguments import RunnerName
from flightline.errors import mask_credentials
from flightline.runs.request import RunRequest
from flightline.utils.process_start import prepare_process


@dataclass(frozen=True)
class ConfigOptions:
    """Options that select and change the config."""

    config: Annotated[Path, typer.Option(help="The pipeline's config.")] = DEFAULT_CONFIG
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="a.b=value", help="Override a key of the config.")
    ] = None
    span: Annotated[
        str | None, typer.Option(metavar="N|YYYY-MM-DD", help="The span of data.pattern to read; default: the newest.")
    ] = None
    engine: Annotated[
        str | None,
        typer.Option(metavar="|".join(ENGINES), help="Where Beam work runs; overrides the config's engine.name."),
    ] = None

    @property
    def all_overrides(self) -> tuple[str, ...]:
        """The overrides of `--set`, then those of the options that stand for a config key."""
        options = {"data.span": self.span, "engine.name": self.engine}
        return (*(self.overrides or []), *(f"{key}={value}" for key, value in options.items() if value is not None))


@dataclass(frozen=True)
class RunOptions:
    """Options that say which part of the DAG runs, and from what state."""

    run_id: Annotated[str | None, typer.Option(help="The run's id; default: made from the time.")] = None
    all_new: Annotated[bool, typer.Option("--all-new", help="Ingest every new span in order, one run each.")] = False
    from_node: Annotated[
        str | None,
        typer.Option("--from", metavar="NODE", help="Start at this node; earlier outputs come from the latest run."),
    ] = None
    to_node: Annotated[str | None, typer.Option("--to", metavar="NODE", help="End at this node.")] = None
    cache: Annotated[bool, typer.Option("--cache/--no-cache", help="Take unchanged steps from earlier runs.")] = True
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest run that was killed, interrupted or failed.")
    ] = False
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", help="Wait this long for another run in the workspace to end.")
    ] = 0.0
    plain: Annotated[bool, typer.Option("--plain", help="Print one line per event, for logs and pipes.")] = False

    @property
    def selects_part(self) -> bool:
        """Whether the options name a run id or a part of the DAG."""
        return bool(self.run_id or self.from_node or self.to_node)


@dataclass(frozen=True)
class AuditOptions:
    """Options that are recorded in the lineage and the audit log."""

    override_gate: Annotated[
        bool, typer.Option("--override-gate", help="Let data through that the gate would block; needs --reason.")
    ] = False
    reason: Annotated[
        str, typer.Option(help="Why this run was started; recorded in the lineage and the audit log.")
    ] = ""


@dataclass(frozen=True)
class DryRunOptions:
    """Options of Dataflow dry runs."""

    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Build and show Dataflow jobs without credentials; run nothing.")
    ] = False
    sample: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Rows for --dry-run (CSV, Parquet); default: random rows."),
    ] = None
    as_json: Annotated[bool, typer.Option("--json", help="Print the jobs of --dry-run as JSON.")] = False


def runner_command(runner: RunnerName, help_text: str) -> typer.Typer:
    """Return the command of a runner; it exits with the run's exit code."""
    prepare_process()

    def main(config: ConfigOptions, run: RunOptions, audit: AuditOptions, dry_run: DryRunOptions) -> None:
        _check_combinations(config, run, audit, dry_run)
        raise typer.Exit(_run(runner, build_request(config, run, audit), run.all_new, dry_run))

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command(help=help_text)(flatten_option_groups(main))
    return app


def build_request(config: ConfigOptions, run: RunOptions, audit: AuditOptions) -> RunRequest:
    """Return the request that the options stand for."""
    reason = mask_credentials(audit.reason.strip())
    return RunRequest(
        config=config.config,
        overrides=config.all_overrides,
        run_id=run.run_id,
        from_node=run.from_node,
        to_node=run.to_node,
        cache=run.cache,
        plain=run.plain,
        resume=run.resume,
        gate_override_reason=reason if audit.override_gate else "",
        reason=reason,
        wait_s=run.wait,
    )


def _check_combinations(config: ConfigOptions, run: RunOptions, audit: AuditOptions, dry_run: DryRunOptions) -> None:
    """Raise BadParameter for options that exclude each other."""
    if (dry_run.sample or dry_run.as_json) and not dry_run.dry_run:
        raise typer.BadParameter("--sample and --json need --dry-run")
    if run.all_new and (dry_run.dry_run or config.span or run.selects_part):
        raise typer.BadParameter("--all-new runs whole spans; leave out --span, --run-id, --from, --to and --dry-run")
    if run.resume and (dry_run.dry_run or run.all_new or config.span or run.selects_part or not run.cache):
        raise typer.BadParameter(
            "--resume repeats the options of the run that it continues; add only --config and --set"
        )
    if audit.override_gate and not audit.reason.strip():
        raise typer.BadParameter("--override-gate needs --reason, which is recorded in the audit log")


def _run(runner: RunnerName, request: RunRequest, all_new: bool, dry_run: DryRunOptions) -> int:
    from flightline.runs import backfill, launch
    from flightline.runs.dry_run import build
    from flightline.runs.process.log_capture import silence_output

    if all_new:
        code = backfill.run_new_spans(request, runner)
    elif dry_run.dry_run:
        code = build.dry_run(request, runner, dry_run.sample, dry_run.as_json)
    else:
        code = launch.run_pipeline(request, runner)
    silence_output()
    return code
