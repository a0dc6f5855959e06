"""TFX's Transform executor: the place where it runs TFT on Beam, and what it passes there."""

from __future__ import annotations

import inspect
from typing import Any

from tfx.components.transform import executor as stock

from flightline.components.tfx_internals import CHECKED_VERSIONS
from flightline.utils.private_api import PrivateApi, PrivateName

_MODULE = "tfx.components.transform.executor"
TRANSFORM = PrivateApi(
    "tfx",
    CHECKED_VERSIONS,
    [
        f"{_MODULE}:_SCHEMA_FILE",
        f"{_MODULE}:_ANOMALIES_FILE",
        f"{_MODULE}:_Status.OK",
        PrivateName(f"{_MODULE}:_Dataset", instance_attributes=("_materialize_output_path",)),
        PrivateName(
            f"{_MODULE}:_InvokeStatsOptionsUpdaterFn",
            ("stats_options_updater_fn", "stats_type", "schema", "asset_map", "transform_output_path"),
        ),
        PrivateName(
            f"{_MODULE}:TransformProcessor._RunBeamImpl",
            (
                "analyze_data_list",
                "transform_data_list",
                "preprocessing_fn",
                "stats_options_updater_fn",
                "force_tf_compat_v1",
                "save_options",
                "input_dataset_metadata",
                "transform_output_path",
                "raw_examples_data_format",
                "temp_path",
                "input_cache_dir",
                "output_cache_dir",
                "disable_statistics",
                "per_set_stats_output_paths",
                "stats_output_paths",
            ),
        ),
        f"{_MODULE}:TransformProcessor",
    ],
)


class TransformProcessor(stock.TransformProcessor):
    """TFX's processor: resolves inputs, loads the user's code and runs TFT, which a subclass may do without Beam."""

    def run_without_beam(self, arguments: dict[str, Any]) -> bool:
        """Does the work of `_RunBeamImpl`; False where Beam has to do it.

        Args:
            arguments: those of `_RunBeamImpl`, by name.
        """
        raise NotImplementedError

    def run_on_beam(self, arguments: dict[str, Any]) -> Any:
        """Does the work of `_RunBeamImpl` as TFX does; returns its status."""
        return super()._RunBeamImpl(**arguments)

    def _RunBeamImpl(self, *args: Any, **kwargs: Any) -> Any:  # noqa: N802 - TFX's name
        arguments = inspect.signature(super()._RunBeamImpl).bind(*args, **kwargs).arguments
        if self.run_without_beam(arguments):
            return TRANSFORM.OK()
        return self.run_on_beam(arguments)


def get_output_prefix(dataset: Any) -> str | None:
    """Where the transformed examples of a `_Dataset` go; None if they are not to be written."""
    return dataset._materialize_output_path
