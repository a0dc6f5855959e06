"""TFX's BeamDagRunner, with options for the Beam pipeline that it orchestrates on.

BeamDagRunner makes that pipeline as `beam.Pipeline()` and takes no options for it (`beam_orchestrator_args` selects a
legacy runner that cannot run compiled pipelines). Without options Beam tries to download its Prism binary for every
run. The method is therefore run with a `beam` of its own: nothing outside this module changes, and other Beam
pipelines in the process, those of the components among them, keep their options.

Checked with TFX 1.16.0 and 1.21.0, whose `beam_dag_runner.py` are the same.
"""

from __future__ import annotations

from functools import partial
from types import FunctionType, SimpleNamespace
from typing import Any

import apache_beam as beam
from tfx.orchestration.beam import beam_dag_runner

from flightline.engines.arguments import LOCAL_ARGUMENTS


class _BeamWithOptions(SimpleNamespace):
    """`apache_beam`, but for `Pipeline()`, which gets the options of the local engine."""

    def __getattr__(self, name: str) -> Any:
        return getattr(beam, name)


def _with_pipeline_options(method: Any) -> FunctionType:
    """Copy a function of `beam_dag_runner` whose `beam.Pipeline()` has the options of the local engine."""
    namespace = _BeamWithOptions(Pipeline=partial(beam.Pipeline, argv=list(LOCAL_ARGUMENTS)))
    copied = FunctionType(
        method.__code__,
        {**method.__globals__, "beam": namespace},
        method.__name__,
        method.__defaults__,
        method.__closure__,
    )
    copied.__kwdefaults__ = method.__kwdefaults__
    return copied


class LocalBeamDagRunner(beam_dag_runner.BeamDagRunner):
    """BeamDagRunner that orchestrates in this process, on Beam's FnApiRunner."""

    run_with_ir = _with_pipeline_options(beam_dag_runner.BeamDagRunner.run_with_ir)
