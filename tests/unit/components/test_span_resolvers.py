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
    """All artifacts of a type, as a resolver's channel would hand them over."""
    found = []
    for stored in history.store.get_artifacts_by_type(kind.TYPE_NAME):
        artifact = kind()
        artifact.set_mlmd_artifact(stored)
        found.append(artifact)
    return found


def inputs(history, newest, key, kind):
    [own] = [artifact for artifact in of_type(history, standard_artifacts.Examples) if artifact.id == newest]
    return {"newest": [own], key: of_type(history, kind)}


def window(history, newest, spans=3):
    strategy = SpanWindowStrategy(pipeline=PIPELINE, spans=spans)
    resolved = strategy.resolve_artifacts(
        history.store, inputs(history, newest, "examples", standard_artifacts.Examples)
    )
    assert [artifact.id for artifact in resolved["newest"]] == [newest]
    return [artifact.id for artifact in resolved["examples"]]


def test_the_window_is_of_accepted_spans_before_the_newest():
    history = SpanHistory()
    taken = {span: history.take(span, gate="BLOCKED" if span == 3 else "COMPLETE") for span in range(1, 7)}
    assert window(history, taken[6]) == [taken[2], taken[4], taken[5]]


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
def test_a_window_never_holds_its_own_span_or_one_that_was_not_accepted(takings, span):
    history = SpanHistory()
    accepted = {history.take(*taking[:1], gate=taking[1]): taking for taking in takings}
    own = history.take(span, gate="COMPLETE")
    for examples in window(history, own):
        assert accepted[examples][0] < span
        assert accepted[examples][1] == "COMPLETE"


def test_previous_statistics_are_those_of_the_last_accepted_span():
    history = SpanHistory()
    strategy = PreviousSpansStrategy(pipeline=PIPELINE)

    def resolve(newest):
        given_to_it = inputs(history, newest, "statistics", standard_artifacts.ExampleStatistics)
        return [artifact.id for artifact in strategy.resolve_artifacts(history.store, given_to_it)["statistics"]]

    first = history.take(1)
    assert resolve(first) == []
    statistics = [artifact.id for artifact in of_type(history, standard_artifacts.ExampleStatistics)]
    history.take(2, gate="BLOCKED")
    assert resolve(history.take(3)) == statistics


def test_the_newer_statistics_of_a_span_are_used():
    history = SpanHistory()
    first = history.take(1)
    history.take(1, examples=first)  # other options: the same examples, profiled anew
    newest = history.take(2)
    strategy = PreviousSpansStrategy(pipeline=PIPELINE)
    given_to_it = inputs(history, newest, "statistics", standard_artifacts.ExampleStatistics)
    [resolved] = strategy.resolve_artifacts(history.store, given_to_it)["statistics"]
    assert resolved.id == sorted(artifact.id for artifact in given_to_it["statistics"])[1]


@pytest.mark.parametrize("there", [(), (0,), (0, 1)])
def test_the_cache_is_the_newest_whose_files_exist(tmp_path, there):
    caches = []
    for number in range(2):
        cache = standard_artifacts.TransformCache()
        cache.uri, cache.id = str(tmp_path / str(number)), number + 1
        caches.append(cache)
    for number in there:
        (tmp_path / str(number)).mkdir()
    found = NewestCacheStrategy().resolve_artifacts(SpanHistory().store, {"cache": caches})
    assert [cache.id for cache in found["cache"]] == [number + 1 for number in there][-1:]


def test_a_window_is_refused_on_orchestrators_that_cannot_read_metadata():
    with pytest.raises(UsageError, match="Kubeflow and Vertex AI do not let a pipeline do"):
        select_training_data(load_config(Path("configs/flights_monthly.yaml")), None, None, "kubeflow")
