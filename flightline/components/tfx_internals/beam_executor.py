"""TFX's Beam executors: the arguments and the Beam pipeline that the runner hands them."""

from __future__ import annotations

import apache_beam as beam
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor

from flightline.components.tfx_internals import CHECKED_VERSIONS
from flightline.utils.private_api import PrivateApi, PrivateName

_EXECUTOR = "tfx.dsl.components.base.base_beam_executor:BaseBeamExecutor"
BEAM_EXECUTOR = PrivateApi(
    "tfx",
    CHECKED_VERSIONS,
    [
        PrivateName(_EXECUTOR, instance_attributes=("_beam_pipeline_args",)),
        f"{_EXECUTOR}._make_beam_pipeline",
    ],
)


def get_beam_arguments(executor: BaseBeamExecutor) -> list[str]:
    """The command-line arguments for Beam that the executor was made with."""
    BEAM_EXECUTOR.require()
    return executor._beam_pipeline_args


def make_beam_pipeline(executor: BaseBeamExecutor) -> beam.Pipeline:
    """A new Beam pipeline with the executor's arguments."""
    BEAM_EXECUTOR.require()
    return executor._make_beam_pipeline()
