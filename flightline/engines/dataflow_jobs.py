"""Dataflow jobs of dry runs: the request that would be posted for a Beam pipeline, and the files it would stage."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.internal import names

from flightline.engines.beam_internals import BEAM

GRAPH_FILE = names.STAGED_PIPELINE_FILENAME
STAGED_FILES_NOTE = f"{GRAPH_FILE} is the graph itself; Beam creates the others from the config"


@dataclass(frozen=True)
class DataflowJob:
    """One Dataflow job.

    Attributes:
        request: the body of the request that creates it (Dataflow's REST API, v1b3).
        composite_transforms: the number of transforms that contain others.
        leaf_transforms: the number of transforms that do not.
        staged_files: name → bytes of the files that are uploaded for it.
    """

    request: Mapping[str, Any]
    composite_transforms: int = 0
    leaf_transforms: int = 0
    staged_files: Mapping[str, int] | None = None

    @property
    def name(self) -> str:
        return str(self.request["name"])

    @property
    def labels(self) -> dict[str, str]:
        return dict(self.request.get("labels", {}))

    @property
    def environment(self) -> Mapping[str, Any]:
        return self.request["environment"]

    @property
    def workers(self) -> Mapping[str, Any]:
        """The only pool of workers."""
        [pool] = self.environment["workerPools"]
        return pool

    @property
    def image(self) -> str:
        """The workers' container image; there is one only, as all transforms are Python."""
        return str(self.workers["workerHarnessContainerImage"])

    @property
    def options(self) -> Mapping[str, Any]:
        """Beam's options for the workers."""
        return self.environment["sdkPipelineOptions"]["options"]

    @property
    def experiments(self) -> list[str]:
        return list(self.environment.get("experiments", []))


@contextlib.contextmanager
def record_dry_run_jobs() -> Iterator[list[DataflowJob]]:
    """While entered, add every Dataflow job that a dry run builds to the yielded list.

    With `--dry_run` Beam builds the graph and the staged files, and submits nothing. The job is an attribute of the
    result, which TFX's executors do not return; therefore this replaces the runner's method.

    Raises:
        PrivateApiChanged: the installed Beam lacks a name that this needs.
    """
    jobs: list[DataflowJob] = []
    BEAM.require()
    stock = BEAM.run_pipeline

    def run_pipeline(self: Any, pipeline: Any, options: Any, *arguments: Any) -> Any:
        result = stock(self, pipeline, options, *arguments)
        jobs.append(_describe_job(result.job))
        return result

    with BEAM.replace("run_pipeline", run_pipeline):
        yield jobs


def _describe_job(job: Any) -> DataflowJob:
    """Return the job that Beam's client would create, without the hashes of the uploaded files."""
    graph = job.proto_pipeline
    staged = _staged_files(graph)
    job.proto.environment = BEAM.Environment(
        packages=[name for name in staged if name != GRAPH_FILE],
        options=job.options,
        environment_version=BEAM.FNAPI_ENVIRONMENT_MAJOR_VERSION,
        proto_pipeline_staged_url=f"{job.google_cloud_options.staging_location}/{GRAPH_FILE}",
        proto_pipeline=graph,
    ).proto
    composites, leaves = count_transforms(graph)
    return DataflowJob(json.loads(job.json()), composites, leaves, staged)


def count_transforms(graph: Any) -> tuple[int, int]:
    """Return the number of composite transforms, without the root (the pipeline itself), and of leaf transforms."""
    transforms = graph.components.transforms
    composites = {name for name, transform in transforms.items() if transform.subtransforms}
    return len(composites - set(graph.root_transform_ids)), len(transforms) - len(composites)


def _staged_files(graph: Any) -> dict[str, int]:
    """Return name → bytes of the files that workers fetch before they start."""
    staged = {}
    for environment in graph.components.environments.values():
        for dependency in environment.dependencies:
            file = beam_runner_api_pb2.ArtifactFilePayload.FromString(dependency.type_payload)
            name = Path(file.path).name
            if dependency.role_urn == common_urns.artifact_roles.STAGING_TO.urn:
                role = beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(dependency.role_payload)
                name = role.staged_name
            staged[name] = Path(file.path).stat().st_size
    return staged | {GRAPH_FILE: graph.ByteSize()}
