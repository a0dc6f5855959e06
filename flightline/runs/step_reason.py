"""The reason why a step ran or was cached: computed when the step ends, and stored with its execution."""

from __future__ import annotations

from flightline.metadata.cache_key import reason_to_run
from flightline.metadata.key_parts import KeyParts
from flightline.metadata.run import Run
from flightline.metadata.runs import Runs
from flightline.metadata.step import Step

REASON_PROPERTY = "reason"  # of an execution in ML Metadata


def explain_execution(runs: Runs, run: Run, step: Step, parts: KeyParts | None, cache: bool) -> str:
    """Compare a step's cache key with the key of the same node in the previous run.

    Args:
        parts: the parts of the step's key; None for nodes that have none, such as resolvers.
        cache: whether the run could take steps from the cache.

    Returns:
        The reason in words; empty for a node without a key.
    """
    if parts is None:
        return ""
    if step.state == "CACHED":
        return f"from {step.cached_from}: nothing it depends on has changed"
    previous = runs.previous_step(run, step.node)
    return reason_to_run(parts, previous.key_parts if previous else None, cache)


def stored_reason(step: Step) -> str:
    """Return the reason that was stored with a step's execution; empty where there is none."""
    return str(step.properties.get(REASON_PROPERTY, ""))
