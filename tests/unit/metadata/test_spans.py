"""Which spans may be trained on, over histories in real metadata stores."""

from hypothesis import given, settings
from hypothesis import strategies as st
from span_history import PIPELINE, SpanHistory

from flightline.metadata.spans import accepted_spans, list_ingested_spans, window_before


def taken(history):
    return list_ingested_spans(history.store, PIPELINE)


def states(history):
    return {(one.span, one.version): one.state for one in taken(history)}


def test_a_store_without_the_pipeline_knows_no_span():
    assert taken(SpanHistory()) == []


def test_the_state_of_a_span_is_the_verdict_of_its_gate():
    history = SpanHistory()
    for span, gate in enumerate(["COMPLETE", "CACHED", "BLOCKED", "BROKEN", "RUNNING", None], start=1):
        history.take(span, gate=gate)
    assert [one.state for one in taken(history)] == [
        "accepted", "accepted", "quarantined", "unvalidated", "unvalidated", "unvalidated",
    ]  # fmt: skip
    assert [one.span for one in accepted_spans(taken(history))] == [1, 2]


def test_the_last_verdict_of_the_gate_counts():
    history = SpanHistory()
    examples = history.take(1, gate="BLOCKED")
    assert states(history) == {(1, None): "quarantined"}
    history.take(1, examples=examples)  # let through: another policy, or overridden
    assert states(history) == {(1, None): "accepted"}
    history.take(1, gate="BROKEN", examples=examples)  # which says nothing about the data
    assert states(history) == {(1, None): "accepted"}
    history.take(1, gate="BLOCKED", examples=examples)
    assert states(history) == {(1, None): "quarantined"}


def test_a_blocked_span_leaves_the_spans_of_its_window_accepted():
    history = SpanHistory()
    history.take(1)
    history.take(2)
    history.take(3, gate="BLOCKED")
    assert [one.state for one in taken(history)] == ["accepted", "accepted", "quarantined"]


def test_a_correction_replaces_its_span_and_both_stay_on_record():
    history = SpanHistory()
    for span in (1, 2, 3):
        history.take(span, version=1)
    corrected = history.take(2, version=2)
    assert [(one.span, one.version) for one in window_before(taken(history), 4, 3)] == [(1, 1), (2, 2), (3, 1)]
    assert corrected in {one.examples for one in window_before(taken(history), 4, 3)}
    assert (2, 1) in states(history)


def test_a_blocked_correction_does_not_replace_the_accepted_version():
    history = SpanHistory()
    first = history.take(1, version=1)
    history.take(1, version=2, gate="BLOCKED")
    assert [one.examples for one in accepted_spans(taken(history))] == [first]


def test_versions_are_numbers():
    history = SpanHistory()
    history.take(1, version=9)
    tenth = history.take(1, version=10)
    history.take(1, version=2)  # late, and older
    assert [one.examples for one in accepted_spans(taken(history))] == [tenth]


def test_a_version_ingested_again_is_the_newer_artifact():
    history = SpanHistory()
    history.take(1)
    anew = history.take(1)
    assert [one.examples for one in accepted_spans(taken(history))] == [anew]


def test_a_span_that_was_removed_is_in_no_window():
    history = SpanHistory()
    kept, removed = history.take(1), history.take(2)
    history.delete(removed)
    assert [one.examples for one in window_before(taken(history), 3, 5)] == [kept]


def test_a_garbage_collected_span_still_counts_as_processed():
    history = SpanHistory()
    blocked, accepted = history.take(1, gate="BLOCKED"), history.take(2)
    for examples in (blocked, accepted):
        history.delete(examples)
    assert [(one.span, one.state, one.released, one.collected) for one in taken(history)] == [
        (1, "quarantined", False, True),
        (2, "accepted", True, True),
    ]


def test_a_replaced_version_stays_replaced_after_its_correction_is_collected():
    history = SpanHistory()
    history.take(1, version=1)
    history.delete(history.take(1, version=2))
    assert accepted_spans(taken(history)) == []


def test_a_window_is_the_last_spans_before_one():
    history = SpanHistory()
    for span in range(1, 8):
        history.take(span)
    assert [one.span for one in window_before(taken(history), 6, 3)] == [3, 4, 5]
    assert [one.span for one in window_before(taken(history), 2, 3)] == [1]
    assert window_before(taken(history), 1, 3) == []


def test_a_complete_run_is_distinguished_from_a_failed_one():
    history = SpanHistory()
    history.take(1)
    history.take(2, pushed=False)
    assert [one.released for one in taken(history)] == [True, False]


takings = st.lists(
    st.tuples(
        st.integers(0, 6),
        st.none() | st.integers(1, 3),
        st.sampled_from(["COMPLETE", "CACHED", "BLOCKED", "BROKEN", None]),
    ),
    max_size=10,
)


@settings(max_examples=40, deadline=None)
@given(takings, st.integers(0, 8), st.integers(1, 4))
def test_no_window_contains_its_own_span_or_a_quarantined_one(history, span, spans):
    recorded = SpanHistory()
    said = {recorded.take(*taking[:2], gate=taking[2], pushed=False): taking for taking in history}
    window = window_before(taken(recorded), span, spans)
    passed = {examples for examples, (_, _, gate) in said.items() if gate in ("COMPLETE", "CACHED")}
    assert {one.examples for one in window} <= passed
    assert [one.span for one in window] == sorted({one.span for one in window})
    assert all(one.span < span for one in window)
    before = {said[examples][0] for examples in passed if said[examples][0] < span}
    assert [one.span for one in window] == sorted(before)[-spans:]
    for one in window:  # nothing accepted of this span is later than what was chosen
        others = [
            (version or -1, examples)
            for examples, (of_span, version, _) in said.items()
            if examples in passed and of_span == one.span
        ]
        assert (one.version or -1, one.examples) == max(others)
