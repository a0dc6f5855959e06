"""TFX's InfraValidator: how an InfraBlessing artifact says whether the model is blessed."""

from __future__ import annotations

from flightline.components.tfx_internals import CHECKED_VERSIONS
from flightline.utils.private_api import PrivateApi

_MODULE = "tfx.components.infra_validator.executor"
INFRA_VALIDATOR = PrivateApi(
    "tfx",
    CHECKED_VERSIONS,
    [f"{_MODULE}:_BLESSED_KEY", f"{_MODULE}:_BLESSED_FILENAME", f"{_MODULE}:_NOT_BLESSED_FILENAME"],
)
