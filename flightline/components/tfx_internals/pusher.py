"""TFX's Pusher: the custom properties of a PushedModel artifact."""

from __future__ import annotations

from flightline.components.tfx_internals import CHECKED_VERSIONS
from flightline.utils.private_api import PrivateApi

_MODULE = "tfx.components.pusher.executor"
PUSHER = PrivateApi(
    "tfx",
    CHECKED_VERSIONS,
    [f"{_MODULE}:_PUSHED_KEY", f"{_MODULE}:_PUSHED_DESTINATION_KEY", f"{_MODULE}:_PUSHED_VERSION_KEY"],
)
