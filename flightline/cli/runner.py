"""The command line that every runner takes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flightline.config.engines import ENGINES
from flightline.config.loader import DEFAULT_CONFIG
from flightline.engines.arguments import RunnerName


def runner_command(runner: RunnerName, about: str) -> typer.Typer:
    """The command of one runner; exits with the run's exit code."""
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.command(help=about)
    def main(
        config: Annotated[Path, typer.Option(help="The pipeline's config.")] = DEFAULT_CONFIG,
        overrides: Annotated[
            list[str] | None, typer.Option("--set", metavar="a.b=value", help="Overrides a key of the config.")
        ] = None,
        run_id: Annotated[str | None, typer.Option(help="Names the run; made of the time by default.")] = None,
        span: Annotated[
            str | None,
            typer.Option(metavar="N|YYYY-MM-DD", help="Which span of data.pattern; the newest by default."),
        ] = None,
        all_new: Annotated[
            bool, typer.Option("--all-new", help="Every span not taken in yet, in order, each in a run of its own.")
        ] = False,
        from_node: Annotated[
            str | None,
            typer.Option("--from", metavar="NODE", help="Begin here; what is before is taken from the latest run."),
        ] = None,
        to_node: Annotated[str | None, typer.Option("--to", metavar="NODE", help="End here.")] = None,
        cache: Annotated[
            bool, typer.Option("--cache/--no-cache", help="Take unchanged steps from earlier runs.")
        ] = True,
        resume: Annotated[
            bool, typer.Option("--resume", help="Go on with the newest run that was killed, interrupted or failed.")
        ] = False,
        override_gate: Annotated[
            bool, typer.Option("--override-gate", help="Let data through that the gate would stop; needs --reason.")
        ] = False,
        reason: Annotated[str, typer.Option(help="Why this run; it is kept in the lineage and in the audit log.")] = "",
        wait: Annotated[
            float, typer.Option(metavar="SECONDS", help="How long to wait for another run to leave the workspace.")
        ] = 0.0,
        plain: Annotated[bool, typer.Option("--plain", help="One line an event, for logs and pipes.")] = False,
        engine: Annotated[
            str | None,
            typer.Option(metavar="|".join(ENGINES), help="Where Beam's work is done; engine.name of the config."),
        ] = None,
        dry: Annotated[
            bool, typer.Option("--dry-run", help="Build and show Dataflow's jobs, without credentials; run nothing.")
        ] = False,
        sample: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Rows for --dry-run (CSV, Parquet); by default made up.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="What --dry-run shows, as JSON.")] = False,
    ) -> None:
        from flightline.runs.backfill import run_new_spans
        from flightline.runs.dry_run.build import dry_run
        from flightline.runs.launch import RunRequest, run_pipeline
        from flightline.runs.process.log_capture import silence_output

        if (sample or as_json) and not dry:
            raise typer.BadParameter("--sample and --json go with --dry-run")

        if all_new and (dry or span or run_id or from_node or to_node):
            raise typer.BadParameter("--all-new takes whole spans: --span, --run-id, --from, --to do not go with it")

        if resume and (dry or all_new or span or run_id or from_node or to_node or not cache):
            raise typer.BadParameter("--resume goes on with a run as it was asked for: only --config and --set find it")

        if override_gate and not reason.strip():
            raise typer.BadParameter("--override-gate needs --reason: whoever asks later wants to know why")

        flags = {"data.span": span, "engine.name": engine}
        asked = [*(overrides or []), *(f"{key}={value}" for key, value in flags.items() if value is not None)]
        request = RunRequest(
            config,
            tuple(asked),
            run_id,
            from_node,
            to_node,
            cache,
            plain,
            resume=resume,
            override=reason.strip() if override_gate else "",
            reason=reason.strip(),
            wait_s=wait,
        )
        if all_new:
            code = run_new_spans(request, runner)
        else:
            code = dry_run(request, runner, sample, as_json) if dry else run_pipeline(request, runner)
        silence_output()
        raise typer.Exit(code)

    return app
