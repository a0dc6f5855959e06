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


def test_what_the_gate_said_is_the_state_of_a_span():
    history = SpanHistory()
    for span, gate in enumerate(["COMPLETE", "CACHED", "BLOCKED", "BROKEN", "RUNNING", None], start=1):
        history.take(span, gate=gate)
    assert [one.state for one in taken(history)] == [
        "accepted", "accepted", "quarantined", "unvalidated", "unvalidated", "unvalidated",
    ]  # fmt: skip
    assert [one.span for one in accepted_spans(taken(history))] == [1, 2]


def test_the_gate_s_last_word_counts():
    history = SpanHistory()
    examples = history.take(1, gate="BLOCKED")
    assert states(history) == {(1, None): "quarantined"}
    history.take(1, examples=examples)  # let through: another policy, or overridden
    assert states(history) == {(1, None): "accepted"}
    history.take(1, gate="BROKEN", examples=examples)  # which says nothing about the data
    assert states(history) == {(1, None): "accepted"}
    history.take(1, gate="BLOCKED", examples=examples)
    assert states(history) == {(1, None): "quarantined"}


def test_a_span_that_is_blocked_does_not_take_those_with_it_that_it_was_held_against():
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


def test_a_correction_that_is_blocked_does_not_take_the_place_of_what_was_accepted():
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


def test_the_same_version_made_anew_is_the_newer_artifact():
    history = SpanHistory()
    history.take(1)
    anew = history.take(1)
    assert [one.examples for one in accepted_spans(taken(history))] == [anew]


def test_a_span_that_was_removed_is_in_no_window():
    history = SpanHistory()
    kept, removed = history.take(1), history.take(2)
    history.delete(removed)
    assert [one.examples for one in window_before(taken(history), 3, 5)] == [kept]


def test_what_was_collected_is_still_known_to_have_been_dealt_with():
    history = SpanHistory()
    blocked, accepted = history.take(1, gate="BLOCKED"), history.take(2)
    for examples in (blocked, accepted):
        history.delete(examples)
    assert [(one.span, one.state, one.released, one.collected) for one in taken(history)] == [
        (1, "quarantined", False, True),
        (2, "accepted", True, True),
    ]


def test_what_was_corrected_does_not_come_back_when_its_correction_is_collected():
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


def test_a_run_that_went_through_is_told_from_one_that_did_not():
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
def test_no_history_puts_a_window_s_own_span_or_a_quarantined_one_into_it(history, span, spans):
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
