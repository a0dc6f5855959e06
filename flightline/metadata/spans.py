"""The spans that a pipeline has ingested, by version, and which of them a model may be trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as pb

from flightline.errors import DataBlocked
from flightline.metadata.properties import COLLECTED_STATES, INPUT_EVENTS, OUTPUT_EVENTS, properties_of
from flightline.metadata.store import execution_result, run_ids_of_execution

SpanState = Literal["accepted", "quarantined", "unvalidated"]
ACCEPTED: SpanState = "accepted"
QUARANTINED: SpanState = "quarantined"
UNVALIDATED: SpanState = "unvalidated"
_DONE_STATES = (pb.Execution.COMPLETE, pb.Execution.CACHED)


@dataclass(frozen=True)
class IngestedSpan:
    """The Examples of one version of one span.

    Attributes:
        span: its number; days since 1970-01-01 where spans are dates.
        version: of the files; None where the pattern has no versions.
        examples: id of the artifact. Of two with the same version, the newer has other content or other settings.
        state: the data gate's latest decision, `accepted` or `quarantined`; `unvalidated` before any.
        released: whether a run that ingested it completed the Pusher, whatever the verdict on its model.
        collected: whether `flightline gc` has removed its files: it was processed, and is in no window.
    """

    span: int
    version: int | None
    examples: int
    state: SpanState
    released: bool = False
    collected: bool = False

    @property
    def order(self) -> tuple[int, int]:
        """The key by which a later version of a span replaces an earlier one."""
        return (-1 if self.version is None else self.version, self.examples)


def list_ingested_spans(store: mlmd.MetadataStore, pipeline: str) -> list[IngestedSpan]:
    """Every version of every span that runs of a pipeline have ingested, oldest first."""
    verdicts = _gate_verdicts(store, pipeline)
    through = _artifacts_of_pushed_runs(store, pipeline)
    found = []
    for artifact in _example_artifacts(store, pipeline):
        properties = properties_of(artifact)
        span, version = _parse_number(properties.get("span")), _parse_number(properties.get("version"))
        if span is not None:
            state = verdicts.get(artifact.id, UNVALIDATED)
            found.append(
                IngestedSpan(
                    span, version, artifact.id, state, artifact.id in through, artifact.state in COLLECTED_STATES
                )
            )
    return sorted(found, key=lambda ingested: (ingested.span, *ingested.order))


def accepted_spans(ingested: Iterable[IngestedSpan]) -> list[IngestedSpan]:
    """The latest accepted version of each span, oldest span first, without those whose files were removed.

    A quarantined correction does not replace the accepted version before it, and a corrected version does not return
    when its correction is removed.
    """
    latest: dict[int, IngestedSpan] = {}
    for item in ingested:
        if item.state == ACCEPTED and (item.span not in latest or latest[item.span].order < item.order):
            latest[item.span] = item
    return [latest[span] for span in sorted(latest) if not latest[span].collected]


def window_before(ingested: Iterable[IngestedSpan], span: int, spans: int) -> list[IngestedSpan]:
    """The last `spans` accepted spans before `span`, oldest first: what a model is trained on before `span`."""
    return [earlier for earlier in accepted_spans(ingested) if earlier.span < span][-spans:]


def _parse_number(value: Any) -> int | None:
    """Convert a span's number: TFX stores an integer or, in older stores, text."""
    return None if value is None or value == "" else int(value)


def _example_artifacts(store: mlmd.MetadataStore, pipeline: str) -> list[pb.Artifact]:
    context = store.get_context_by_type_and_name("node", f"{pipeline}.ExampleGen")
    return store.get_artifacts_by_context(context.id) if context else []


def _node_executions(store: mlmd.MetadataStore, pipeline: str, node: str) -> list[pb.Execution]:
    """The executions of a node, in the order of their start."""
    context = store.get_context_by_type_and_name("node", f"{pipeline}.{node}")
    return sorted(store.get_executions_by_context(context.id), key=lambda e: e.id) if context else []


def _gate_verdicts(store: mlmd.MetadataStore, pipeline: str) -> dict[int, SpanState]:
    """Artifact → the data gate's latest decision about it."""
    decisions: dict[int, SpanState] = {}
    for execution in _node_executions(store, pipeline, "DataGate"):
        if execution.last_known_state in _DONE_STATES:
            decisions[execution.id] = ACCEPTED
        elif execution_result(execution)[0] == DataBlocked.exit_code:
            decisions[execution.id] = QUARANTINED
    verdicts: dict[int, SpanState] = {}
    # The input that the gate decides about; the others are the accepted spans that it compares this one with.
    for execution_id, artifacts in sorted(
        _artifacts_by_execution(store, list(decisions), INPUT_EVENTS, "examples").items()
    ):
        verdicts |= dict.fromkeys(artifacts, decisions[execution_id])
    return verdicts


def _artifacts_of_pushed_runs(store: mlmd.MetadataStore, pipeline: str) -> set[int]:
    """Artifacts of the runs whose Pusher is done."""
    done = [e.id for e in _node_executions(store, pipeline, "Pusher") if e.last_known_state in _DONE_STATES]
    runs = {run for execution in done for run in run_ids_of_execution(store, execution)}
    made = _artifacts_by_execution(
        store, [e.id for e in _node_executions(store, pipeline, "ExampleGen")], OUTPUT_EVENTS
    )
    return {
        a for execution, artifacts in made.items() if run_ids_of_execution(store, execution) & runs for a in artifacts
    }


def _artifacts_by_execution(
    store: mlmd.MetadataStore, executions: list[int], kinds: set[int], channel: str | None = None
) -> dict[int, set[int]]:
    """Execution → artifacts, for the events of these kinds; of one channel, where it is named."""
    found: dict[int, set[int]] = defaultdict(set)
    for event in store.get_events_by_execution_ids(executions) if executions else []:
        named = event.path.steps[0].key if event.path.steps else ""
        if event.type in kinds and channel in (None, named):
            found[event.execution_id].add(event.artifact_id)
    return found
