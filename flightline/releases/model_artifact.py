"""Find the Model artifact that a release is a copy of. Imports no TensorFlow."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.config.settings import Config
from flightline.errors import UsageError
from flightline.metadata.properties import INPUT_EVENTS, OUTPUT_EVENTS, properties_of
from flightline.metadata.runs import Runs
from flightline.metadata.store import store_name
from flightline.releases.release import current_version, read_releases


@dataclass(frozen=True)
class ReleasedModel:
    """A release, and its Model artifact in ML Metadata.

    Attributes:
        version: the version of the release.
        artifact: the Model.
        inputs: the input contract in release.json.
        target: what is predicted, from release.json; empty if it is not there.
    """

    version: str
    artifact: pb.Artifact = field(repr=False)
    inputs: list[dict[str, Any]] = field(repr=False)
    target: dict[str, Any] = field(default_factory=dict)


def find_released_model(runs: Runs, config: Config, version: str | None = None) -> ReleasedModel:
    """The model of a release, by default of the current one.

    Raises:
        UsageError: there is no such release, its Model does not exist any more, or release.json has no inputs.
    """
    advice = "list releases: `flightline releases`"
    version = version or current_version(config.releases)
    if version is None:
        raise UsageError(f"no model of {config.name} is released", "release a model first: `make run`")
    known = {release.version: release for release in read_releases(config.releases)}
    if version not in known:
        raise UsageError(f"there is no release {version} of {config.name}", advice)
    known[version].require_intact()
    inputs = known[version].metadata.get("inputs")
    if not inputs:
        raise UsageError(
            f"release {version} of {config.name} has no input contract", "release the model again (--no-cache)"
        )
    store = runs.store
    for pushed in reversed(store.get_artifacts_by_type("PushedModel")):
        destination = str(properties_of(pushed).get("pushed_destination") or "")
        if not destination or Path(destination) != (config.releases / version).resolve():
            continue
        producers = [e.execution_id for e in store.get_events_by_artifact_ids([pushed.id]) if e.type in OUTPUT_EVENTS]
        inputs_read = [
            e.artifact_id for e in store.get_events_by_execution_ids(producers[:1]) if e.type in INPUT_EVENTS
        ]
        kind = store.get_artifact_type("Model").id
        models = [artifact for artifact in store.get_artifacts_by_id(inputs_read) if artifact.type_id == kind]
        if models and Path(models[0].uri).is_dir():
            return ReleasedModel(version, models[0], inputs, known[version].metadata.get("target") or {})
        raise UsageError(f"the Model artifact of release {version} was deleted", f"choose another release; {advice}")
    raise UsageError(f"{store_name(config)} has no release {version} of {config.name}", advice)
