"""The resolver strategies of continuous training, against real metadata stores."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from span_history import PIPELINE, SpanHistory
from tfx.types import standard_artifacts

from flightline.components.span_resolvers import (
    NewestCacheStrategy,
    PreviousSpansStrategy,
    SpanWindowStrategy,
    select_training_data,
)
from flightline.config.loader import load_config
from flightline.errors import UsageError


def of_type(history, kind):
    """All artifacts of a type, as a resolver receives them from its channel."""
    found = []
    for stored in history.store.get_artifacts_by_type(kind.TYPE_NAME):
        artifact = kind()
        artifact.set_mlmd_artifact(stored)
        found.append(artifact)
    return found


def inputs(history, newest, key, kind):
    [current] = [artifact for artifact in of_type(history, standard_artifacts.Examples) if artifact.id == newest]
    return {"newest": [current], key: of_type(history, kind)}


def window(history, newest, spans=3):
    strategy = SpanWindowStrategy(pipeline=PIPELINE, spans=spans)
    resolved = strategy.resolve_artifacts(
        history.store, inputs(history, newest, "examples", standard_artifacts.Examples)
    )
    assert [artifact.id for artifact in resolved["newest"]] == [newest]
    return [artifact.id for artifact in resolved["examples"]]


def test_the_window_holds_the_accepted_spans_before_the_newest():
    history = SpanHistory()
    examples = {span: history.take(span, gate="BLOCKED" if span == 3 else "COMPLETE") for span in range(1, 7)}
    assert window(history, examples[6]) == [examples[2], examples[4], examples[5]]


def test_a_corrected_version_replaces_the_span_in_the_window():
    history = SpanHistory()
    history.take(1, version=1)
    second = history.take(2, version=1)
    corrected = history.take(1, version=2)
    assert window(history, history.take(3, version=1)) == [corrected, second]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["COMPLETE", "BLOCKED", None])), max_size=8),
    st.integers(0, 6),
)
def test_a_window_never_holds_the_newest_span_or_an_unaccepted_one(history_of_spans, span):
    history = SpanHistory()
    accepted = {history.take(*attempt[:1], gate=attempt[1]): attempt for attempt in history_of_spans}
    current = history.take(span, gate="COMPLETE")
    for examples in window(history, current):
        assert accepted[examples][0] < span
        assert accepted[examples][1] == "COMPLETE"


def test_previous_statistics_are_those_of_the_last_accepted_span():
    history = SpanHistory()
    strategy = PreviousSpansStrategy(pipeline=PIPELINE)

    def resolve(newest):
        candidates = inputs(history, newest, "statistics", standard_artifacts.ExampleStatistics)
        return [artifact.id for artifact in strategy.resolve_artifacts(history.store, candidates)["statistics"]]

    first = history.take(1)
    assert resolve(first) == []
    statistics = [artifact.id for artifact in of_type(history, standard_artifacts.ExampleStatistics)]
    history.take(2, gate="BLOCKED")
    assert resolve(history.take(3)) == statistics


def test_the_newer_statistics_of_a_span_are_used():
    history = SpanHistory()
    first = history.take(1)
    history.take(1, examples=first)  # the same examples, with statistics of other options
    newest = history.take(2)
    strategy = PreviousSpansStrategy(pipeline=PIPELINE)
    candidates = inputs(history, newest, "statistics", standard_artifacts.ExampleStatistics)
    [resolved] = strategy.resolve_artifacts(history.store, candidates)["statistics"]
    assert resolved.id == sorted(artifact.id for artifact in candidates["statistics"])[1]


@pytest.mark.parametrize("existing", [(), (0,), (0, 1)])
def test_the_newest_cache_whose_files_exist_is_used(tmp_path, existing):
    caches = []
    for number in range(2):
        cache = standard_artifacts.TransformCache()
        cache.uri, cache.id = str(tmp_path / str(number)), number + 1
        caches.append(cache)
    for number in existing:
        (tmp_path / str(number)).mkdir()
    found = NewestCacheStrategy().resolve_artifacts(SpanHistory().store, {"cache": caches})
    assert [cache.id for cache in found["cache"]] == [number + 1 for number in existing][-1:]


def test_a_window_is_refused_on_orchestrators_that_cannot_read_metadata():
    with pytest.raises(UsageError, match="Kubeflow and Vertex AI do not let a pipeline do"):
        select_training_data(load_config(Path("configs/flights_monthly.yaml")), None, None, "kubeflow")
