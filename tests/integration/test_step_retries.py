"""A step that fails for a moment is run again by the launcher, and that it was is in the lineage."""

from pathlib import Path

import pytest
from rich.console import Console
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import Parameter
from tfx.dsl.component.experimental.decorators import component

from flightline.config.steps import StepsConfig
from flightline.errors import StepFailed
from flightline.metadata.store import sqlite_config
from flightline.reporting.progress_table import ProgressDisplay
from flightline.runs.tfx import compat
from flightline.runs.tfx.observer import ATTEMPTS_PROPERTY, RunObserver


@component
def Flaky(folder: Parameter[str], failures: Parameter[int]) -> None:  # noqa: N802 - a component
    """Leaves a file each time, and fails as an engine does until there are enough of them."""
    tries = len(list(Path(folder).iterdir()))
    (Path(folder) / str(tries)).touch()
    if tries < failures:
        raise RuntimeError("StatusCode.UNAVAILABLE: the engine is being restarted")


@pytest.fixture
def run(tmp_path):
    """`run(failures, retries)` → (the step as ML Metadata has it, what the screen showed)."""

    def run(failures, retries):
        (tmp_path / "tries").mkdir()
        out = tmp_path / "screen.txt"
        with out.open("w") as file:
            node = Flaky(folder=str(tmp_path / "tries"), failures=failures).with_id("Flaky")
            dag = tfx.dsl.Pipeline(
                pipeline_name="flaky",
                pipeline_root=str(tmp_path / "root"),
                components=[node],
                metadata_connection_config=sqlite_config(tmp_path / "metadata.db"),
            )
            observer = RunObserver("r", tmp_path / "metadata.db", ProgressDisplay(Console(file=file, width=200), False))
            steps = StepsConfig(retries=retries, backoff_s=0)
            compat.run_ir("local", compat.compile_pipeline(dag, "r"), observer, steps)
        return observer.run().steps["Flaky"], out.read_text()

    return run


def test_the_number_of_attempts_is_recorded(run):
    step, shown = run(failures=2, retries=2)
    assert step.state == "COMPLETE"
    assert step.properties[ATTEMPTS_PROPERTY] == 3
    assert shown.count("trying again") == 2
    assert "UNAVAILABLE" in shown


def test_a_step_fails_after_its_last_retry(run):
    with pytest.raises(Exception, match="UNAVAILABLE") as failed:
        run(failures=2, retries=1)
    assert not isinstance(failed.value, StepFailed)
