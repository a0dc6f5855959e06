"""The Pusher's executor on a filesystem of this machine: a version comes into being whole, or not at all.

TFX's own copies into the version's folder, file by file: whoever looks meanwhile sees a part of a model, and so does
everybody after a kill. This one has it copy into a folder aside, and renames that when all of it is on disk.
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
    """Pushes what was blessed; what it says of the push in ML Metadata is what TFX's own says."""

    def Do(  # noqa: N802 - TFX's name
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Raises what TFX's own raises; then, and after a kill, there is no version."""
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[keys.PUSH_DESTINATION_KEY], destination)
        releases = Path(destination.filesystem.base_directory)
        releases.mkdir(parents=True, exist_ok=True)
        for left in releases.glob(f"{_STAGING_PREFIX}*"):  # by a process that was killed: one run at a time pushes here
            shutil.rmtree(left)
        with tempfile.TemporaryDirectory(prefix=_STAGING_PREFIX, dir=releases) as aside:
            destination.filesystem.base_directory = aside
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
    """Renames a model that is on disk to its version; to the next number, where two are pushed within a second."""
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
    """`tfx.components.Pusher` with the executor above."""

    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)
