"""Every artifact of a run beside that of the run that repeated it: MATCH, or DIFF and what differs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.errors import summarize_error
from flightline.metadata.properties import CONTENT_DIGEST_PROPERTY, properties_of
from flightline.metadata.run import Run
from flightline.runs.reproduce.differences import explain_difference

# Resolvers: what they found is somebody else's output.
RESOLVER_NODES = {"Champion", "SpanWindow", "AnalyzerCache", "PreviousSpans", "PreviousStatistics"}


@dataclass(frozen=True)
class ArtifactComparison:
    """One artifact of both runs.

    Attributes:
        artifact: `Node.output`.
        type: ML Metadata's name of its type.
        state: DIFF too where one of the two has none, or its content was not digested.
        digest, repeated: content digests of the run's and of the repetition's.
        differs: of a DIFF, the features, vocabulary entries, weights or metrics that differ.
    """

    artifact: str
    type: str
    state: Literal["MATCH", "DIFF"]
    digest: str
    repeated: str
    differs: list[str]


def compare_artifacts(run: Run, again: Run) -> list[ArtifactComparison]:
    """Compares the outputs of every step of `run` that made some, in the order of the steps."""
    return [
        _compare_output(run, again, node, key, artifacts)
        for node, step in run.steps.items()
        if node not in RESOLVER_NODES and step.done
        for key, artifacts in step.outputs.items()
        if artifacts
    ]


def _compare_output(run: Run, again: Run, node: str, key: str, artifacts: list[pb.Artifact]) -> ArtifactComparison:
    step = again.steps.get(node)
    others = step.outputs.get(key, []) if step and step.done else []
    digest, repeated = _join_digests(artifacts), _join_digests(others)
    differs: list[str] = []
    if not others:
        differs = [f"the repetition has none: {step.state.lower() if step else 'it did not get that far'}"]
    elif not digest or not repeated:
        differs = ["there is no digest of its content on record"]
    elif digest != repeated:
        try:
            differs = explain_difference(run, again, artifacts[0], others[0])
        except (OSError, ValueError) as error:  # the files are gone, or are not what they were
            differs = [f"what differs cannot be read: {summarize_error(error)}"]
    state: Literal["MATCH", "DIFF"] = "DIFF" if differs or digest != repeated else "MATCH"
    return ArtifactComparison(f"{node}.{key}", artifacts[0].type, state, digest, repeated, differs)


def _join_digests(artifacts: list[pb.Artifact]) -> str:
    """The digest of one; of several, all of them; empty where one has none."""
    found = [str(properties_of(artifact).get(CONTENT_DIGEST_PROPERTY) or "") for artifact in artifacts]
    return "+".join(found) if all(found) else ""
