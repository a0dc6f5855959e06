"""A run's span: which it is, what the model is trained on, and which spans have not been taken in yet."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from flightline.config.settings import Config
from flightline.config.window import WindowConfig
from flightline.errors import InputError
from flightline.metadata.spans import (
    ACCEPTED,
    QUARANTINED,
    IngestedSpan,
    accepted_spans,
    list_ingested_spans,
    window_before,
)
from flightline.metadata.store import has_store, open_store
from flightline.utils.storage import find_files


@dataclass(frozen=True)
class SpanPlan:
    """What a run does with its span.

    Attributes:
        span: its number; name: as people call it, with its version.
        window: ids of the Examples to train on, oldest span first.
        ingest_only_reason: why nothing is trained; empty where something is.
    """

    span: int
    name: str
    window: tuple[int, ...]
    ingest_only_reason: str


def spans_on_disk(config: Config) -> dict[int, int | None]:
    """Span → its newest version (None without versions), of all files that `data.pattern` names, whatever `data.span`.

    Raises:
        InputError: there is no such file, or one whose name has no span.
    """
    pattern = config.data.spans
    found: dict[int, int | None] = {}
    for file in find_files(config.data.input, pattern.glob()):
        try:
            named = pattern.find(file.name)
        except ValueError as error:
            raise InputError(f"data: {error}", "TFX would not find the span by its number") from error
        if named is None:
            todo = f"rename it, or mend data.pattern {pattern.text}"
            raise InputError(f"data: the name of {file.location} does not say which span it is", todo)
        span, version = named
        found[span] = max(found.get(span) or 0, version) if version is not None else None
    if not found:
        raise InputError(
            f"data: no file matches {pattern.text} below {config.data.input}",
            "make the data (`make data` for the flights) or mend data.input and data.pattern",
        )
    return dict(sorted(found.items()))


def resolve_span(config: Config) -> Config:
    """The config of a run that takes in one span, with the newest one named where none is.

    Raises:
        InputError: there is no span, or not the one asked for.
    """
    if config.window is None:
        return config
    on_disk = spans_on_disk(config)
    if config.data.span is None:
        return config.model_copy(update={"data": config.data.model_copy(update={"span": max(on_disk)})})
    if config.data.span not in on_disk:
        name = config.data.spans.name_of
        known = f"there are {name(min(on_disk))} to {name(max(on_disk))}"
        raise InputError(f"data: there is no span {name(config.data.span)} in {config.data.input}", known)
    return config


def plan_span(config: Config) -> SpanPlan | None:
    """What a run of a settled config does; None where spans do not come in one by one."""
    if config.window is None or config.data.span is None:
        return None
    version = spans_on_disk(config)[config.data.span]
    return _plan_window(config, config.window, config.data.span, version, recorded_spans(config))


def find_new_spans(config: Config) -> list[int]:
    """The spans of which the newest version has not been dealt with, in order.

    Dealt with is what the gate has blocked, what was only to be taken in and was, and what went through to the
    Pusher. A span whose run failed on the way is new.
    """
    if config.window is None:
        return []
    taken = recorded_spans(config)
    fresh = []
    for span, version in spans_on_disk(config).items():
        of_span = [one for one in taken if (one.span, one.version) == (span, version)]
        if not of_span or not _is_processed(config, config.window, max(of_span, key=attrgetter("order")), taken):
            fresh.append(span)
    return fresh


def recorded_spans(config: Config) -> list[IngestedSpan]:
    """What ML Metadata knows of the pipeline's spans; nothing where there is no store yet."""
    if not has_store(config):
        return []
    return list_ingested_spans(open_store(config), config.name)


def format_span(config: Config, span: int, version: int | None) -> str:
    """`07`, `2013-07-01`, `07 version 2`: a span and its version as people call them."""
    return config.data.spans.name_of(span) + ("" if version is None else f" version {version}")


def _is_processed(config: Config, window: WindowConfig, one: IngestedSpan, taken: list[IngestedSpan]) -> bool:
    if one.state == ACCEPTED:
        return one.released or bool(_plan_window(config, window, one.span, one.version, taken).ingest_only_reason)
    return one.state == QUARANTINED


def _plan_window(
    config: Config, settings: WindowConfig, span: int, version: int | None, taken: list[IngestedSpan]
) -> SpanPlan:
    window = window_before(taken, span, settings.spans)
    name = format_span(config, span, version)
    newest = max((one.span for one in accepted_spans(taken)), default=span)
    why = ""
    if newest > span:
        why = (
            f"span {name} is taken in, and nothing is trained: a newer one, {format_span(config, newest, None)}, is there"
            " already, and its model may know this one; the next windows have it"
        )
    elif len(window) < settings.min_spans:
        have, need = len(window), settings.min_spans
        why = (
            f"span {name} is taken in; training starts when {need} accepted span{'s' * (need > 1)} "
            f"{'are' if need > 1 else 'is'} there before the newest ({have} {'are' if have != 1 else 'is'})"
        )
    return SpanPlan(span, name, tuple(one.examples for one in window), why)
