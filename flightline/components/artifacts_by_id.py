"""Resolve artifacts of another pipeline by their ids in ML Metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ml_metadata as mlmd
from tfx import v1 as tfx
from tfx.types import artifact_utils


class ArtifactsByIdStrategy(tfx.dsl.experimental.ResolverStrategy):
    """Resolves `statistics` to the artifacts with the given ids, in this order.

    They belong to another pipeline, which TFX's channels cannot reach, so they are read from the store.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self._ids = list(ids)

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: dict[str, list[Any]]) -> dict[str, list[Any]]:
        """Read the artifacts by id; `input_dict` is ignored."""
        del input_dict
        artifact_type = store.get_artifact_type("ExampleStatistics")
        found = {artifact.id: artifact for artifact in store.get_artifacts_by_id(self._ids)}
        return {"statistics": [artifact_utils.deserialize_artifact(artifact_type, found[id_]) for id_ in self._ids]}
