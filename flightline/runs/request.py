"""The arguments of a training run, from a runner's command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flightline.config.loader import DEFAULT_CONFIG


@dataclass(frozen=True)
class RunRequest:
    """The arguments of a training run.

    Attributes:
        config: the config file.
        overrides: `a.b=value`, applied to the config in order.
        run_id: the run's id; made from the time where it is None.
        from_node: the first node to run; the outputs of earlier nodes come from the latest run.
        to_node: the last node to run.
        cache: take unchanged steps from earlier runs.
        plain: print one line per event instead of a live table.
        quiet: print nothing; write the screen to `screen.txt` in the run's folder.
        resume: continue the newest run that was killed, interrupted or failed, with that run's config.
        gate_override_reason: let all data through the gate, for this reason; empty for a normal gate.
        reason: why the run was started; empty if `--reason` is not set.
        wait_s: seconds to wait until another run in the workspace has ended.
    """

    config: Path
    overrides: tuple[str, ...] = ()
    run_id: str | None = None
    from_node: str | None = None
    to_node: str | None = None
    cache: bool = True
    plain: bool = False
    quiet: bool = False
    resume: bool = False
    gate_override_reason: str = ""
    reason: str = ""
    wait_s: float = 0.0

    @property
    def skips_when_up_to_date(self) -> bool:
        """Whether to skip the run if nothing has changed: not with a run id, a part of the DAG or `--no-cache`."""
        return self.cache and not (self.run_id or self.from_node or self.to_node or self.gate_override_reason)

    def config_for_commands(self, folder: Path) -> Path | None:
        """Return the `--config` that later commands need to find this run; None where the default config finds it.

        Args:
            folder: the run's folder, which holds a copy of its config.
        """
        if any(override.startswith(("workspace=", "name=")) for override in self.overrides):
            return folder / "config.yaml"
        return None if self.config == DEFAULT_CONFIG else self.config
