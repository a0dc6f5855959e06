"""The Pusher that publishes a version atomically on a local filesystem.

Reads a Model and the blessings; writes the model to the releases folder, and a PushedModel. TFX's own Pusher copies the
files into the version's folder one by one, so that readers see an incomplete model meanwhile, and for good if the
process is killed. This one copies into a staging folder and renames it when all files are on disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.pusher import component
from tfx.components.pusher import executor as stock
from tfx.dsl.components.base import executor_spec
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as keys
from tfx.utils import proto_utils

from flightline.components.tfx_internals.pusher import PUSHER
from flightline.utils.files import fsync_folder

_STAGING_PREFIX = ".pushing-"


class Executor(stock.Executor):
    """Pushes a blessed model; the PushedModel artifact has the properties that TFX's own Pusher sets."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes; the stock executor documents arguments and errors. After an error there is no new version."""
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[keys.PUSH_DESTINATION_KEY], destination)
        releases = Path(destination.filesystem.base_directory)
        releases.mkdir(parents=True, exist_ok=True)
        for leftover in releases.glob(f"{_STAGING_PREFIX}*"):  # of a killed process: only one run at a time pushes here
            shutil.rmtree(leftover)
        with tempfile.TemporaryDirectory(prefix=_STAGING_PREFIX, dir=releases) as staging:
            destination.filesystem.base_directory = staging
            properties = {**exec_properties, keys.PUSH_DESTINATION_KEY: proto_utils.proto_to_json(destination)}
            super().Do(input_dict, output_dict, properties)
            pushed = artifact_utils.get_single_instance(output_dict[keys.PUSHED_MODEL_KEY])
            if pushed.get_int_custom_property(PUSHER.PUSHED_KEY):
                version = _publish_version(
                    Path(pushed.get_string_custom_property(PUSHER.PUSHED_DESTINATION_KEY)), releases
                )
                pushed.set_string_custom_property(PUSHER.PUSHED_DESTINATION_KEY, str(version))
                pushed.set_string_custom_property(PUSHER.PUSHED_VERSION_KEY, version.name)


def _publish_version(written: Path, releases: Path) -> Path:
    """Renames a pushed model to its version, or to the next free number if two are pushed within a second."""
    for folder, _, names in os.walk(written):
        for name in names:
            with (Path(folder) / name).open("rb") as file:
                os.fsync(file.fileno())
        fsync_folder(Path(folder))
    number = int(written.name)
    while (releases / str(number)).exists():
        number += 1
    version = releases / str(number)
    written.rename(version)
    fsync_folder(releases)
    return version


class Pusher(component.Pusher):
    """`tfx.components.Pusher` that publishes atomically."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
