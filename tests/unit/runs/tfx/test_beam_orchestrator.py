"""TFX's BeamDagRunner gets the options of the local engine for the pipeline that it orchestrates on."""

import sys

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from tfx import v1 as tfx
from tfx.dsl.component.experimental.annotations import Parameter
from tfx.dsl.component.experimental.decorators import component

from flightline.metadata.store import sqlite_config
from flightline.runs.tfx import compat


@component
def Reporter(rows: Parameter[int]) -> None:  # noqa: N802 - a component
    """Reports rows, as fast executors do."""
    from flightline.executors import progress

    progress.report(rows)


class Observer:
    """Keeps what the runner reports."""

    def __init__(self):
        self.rows, self.nodes = [], []

    def started(self, node):
        self.nodes.append(node)

    def progress(self, rows):
        self.rows.append(rows)

    def ended(self, node, attempts): ...

    def failed(self, node, error): ...

    def note(self, text): ...

    def cache_key_computed(self, node, parts): ...


@pytest.mark.parametrize("runner", ["local", "beam"])
def test_a_node_runs_in_this_process_and_its_progress_reaches_the_observer(runner, tmp_path, monkeypatch):
    """Beam launches nodes in threads of its own."""
    made, pipeline = [], beam.Pipeline
    monkeypatch.setattr(beam, "Pipeline", lambda *args, **options: made.append(pipeline(*args, **options)) or made[-1])
    dag = tfx.dsl.Pipeline(
        pipeline_name="reports",
        pipeline_root=str(tmp_path / "root"),
        components=[Reporter(rows=7).with_id("Reporter")],
        metadata_connection_config=sqlite_config(tmp_path / "metadata.db"),
    )
    observer, arguments = Observer(), list(sys.argv)
    compat.run_ir(runner, compat.compile_pipeline(dag, "r"), observer)
    assert (observer.nodes, observer.rows) == (["Reporter"], [7])
    assert sys.argv == arguments
    assert all(isinstance(orchestration.runner, FnApiRunner) for orchestration in made)


def test_no_option_of_a_runner_is_an_absl_flag():
    """TFX's Beam executors parse sys.argv for absl flags: one of the same name would take our option's value."""
    from absl import flags

    from flightline.cli.runner import AuditOptions, ConfigOptions, DryRunOptions, RunOptions

    names = {"set", "from", "to", "json", "input", "output", "version"}
    for group in (AuditOptions, ConfigOptions, DryRunOptions, RunOptions):
        names |= set(group.__dataclass_fields__)
    assert "stderrthreshold" in set(flags.FLAGS)
    assert not names & set(flags.FLAGS)
