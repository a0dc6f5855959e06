"""What TFX's executors offer to their subclasses: a scratch directory."""

from __future__ import annotations

from tfx.dsl.components.base.base_executor import BaseExecutor

from flightline.components.tfx_internals import CHECKED_VERSIONS
from flightline.utils.private_api import PrivateApi

BASE_EXECUTOR = PrivateApi("tfx", CHECKED_VERSIONS, ["tfx.dsl.components.base.base_executor:BaseExecutor._get_tmp_dir"])


def get_scratch_dir(executor: BaseExecutor) -> str:
    """A directory for temporary files, which TFX removes after the execution."""
    return BASE_EXECUTOR.get_tmp_dir(executor)
