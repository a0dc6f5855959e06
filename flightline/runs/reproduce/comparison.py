"""Compare every artifact of a run with that of its reproduction: MATCH, or DIFF and the differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.errors import summarize_error
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, properties_of
from flightline.metadata.run import Run
from flightline.runs.reproduce.differences import explain_difference

# Resolvers: their outputs were made by other runs.
RESOLVER_NODES = {"Champion", "SpanWindow", "AnalyzerCache", "PreviousSpans", "PreviousStatistics"}


@dataclass(frozen=True)
class ArtifactComparison:
    """One artifact of both runs.

    Attributes:
        artifact: `Node.output`.
        type: the name of its type in ML Metadata.
        state: DIFF also if one of the runs has no such artifact or no digest of it.
        digest: the content digest in the run.
        reproduced_digest: the content digest in the reproduction.
        differences: of a DIFF, the features, vocabulary entries, weights or metrics that differ.
    """

    artifact: str
    type: str
    state: Literal["MATCH", "DIFF"]
    digest: str
    reproduced_digest: str
    differences: list[str]


def compare_artifacts(run: Run, reproduction: Run) -> list[ArtifactComparison]:
    """Compare all outputs of the steps of `run`, in the order of the steps."""
    return [
        _compare_output(run, reproduction, node, key, artifacts)
        for node, step in run.steps.items()
        if node not in RESOLVER_NODES and step.done
        for key, artifacts in step.outputs.items()
        if artifacts
    ]


def _compare_output(
    run: Run, reproduction: Run, node: str, key: str, artifacts: list[pb.Artifact]
) -> ArtifactComparison:
    step = reproduction.steps.get(node)
    reproduced = step.outputs.get(key, []) if step and step.done else []
    digest, reproduced_digest = _join_digests(artifacts), _join_digests(reproduced)
    differences: list[str] = []
    if not reproduced:
        step_state = step.state.lower() if step else "it ended before this step"
        differences = [f"the reproduction has no such artifact: {step_state}"]
    elif not digest or not reproduced_digest:
        differences = ["its content digest was not recorded"]
    elif digest != reproduced_digest:
        try:
            differences = explain_difference(run, reproduction, artifacts[0], reproduced[0])
        except (OSError, ValueError) as error:  # the files are gone or damaged
            differences = [f"the differences cannot be read: {summarize_error(error)}"]
    state: Literal["MATCH", "DIFF"] = "DIFF" if differences or digest != reproduced_digest else "MATCH"
    return ArtifactComparison(f"{node}.{key}", artifacts[0].type, state, digest, reproduced_digest, differences)


def _join_digests(artifacts: list[pb.Artifact]) -> str:
    """Return the digests of the artifacts, joined; empty if one has none."""
    digests = [str(properties_of(artifact).get(CONTENT_DIGEST_PROPERTY) or "") for artifact in artifacts]
    return "+".join(digests) if all(digests) else ""
