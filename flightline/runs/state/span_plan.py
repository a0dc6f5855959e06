"""Plan a run's span: which span it is, which spans the model is trained on, and which spans are new."""

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
        span: its number.
        name: its name with its version, as in the data's file names.
        window: ids of the Examples to train on, oldest span first.
        ingest_only_reason: why the run trains no model; empty if it trains one.
    """

    span: int
    name: str
    window: tuple[int, ...]
    ingest_only_reason: str


def spans_on_disk(config: Config) -> dict[int, int | None]:
    """Return span → newest version (None without versions) of all files that match `data.pattern`, for any span.

    Raises:
        InputError: there is no such file, or the name of one has no span.
    """
    pattern = config.data.spans
    found: dict[int, int | None] = {}
    for file in find_files(config.data.input, pattern.glob()):
        try:
            named = pattern.find(file.name)
        except ValueError as error:
            raise InputError(f"data: {error}", "rename the file: TFX would not find the span by its number") from error
        if named is None:
            fix = f"rename it, or fix data.pattern {pattern.text}"
            raise InputError(f"data: the name of {file.location} does not contain a span", fix)
        span, version = named
        found[span] = max(found.get(span) or 0, version) if version is not None else None
    if not found:
        raise InputError(
            f"data: no file matches {pattern.text} below {config.data.input}",
            "create the data (`make data` for the flights), or fix data.input and data.pattern",
        )
    return dict(sorted(found.items()))


def resolve_span(config: Config) -> Config:
    """Return the config with `data.span` set: to the newest span if it is not set. Unchanged without a `window`.

    Raises:
        InputError: there is no span, or not the one that `data.span` names.
    """
    if config.window is None:
        return config
    on_disk = spans_on_disk(config)
    if config.data.span is None:
        return config.model_copy(update={"data": config.data.model_copy(update={"span": max(on_disk)})})
    if config.data.span not in on_disk:
        name = config.data.spans.name_of
        available = f"the spans are {name(min(on_disk))} to {name(max(on_disk))}"
        raise InputError(f"data: there is no span {name(config.data.span)} in {config.data.input}", available)
    return config


def plan_span(config: Config) -> SpanPlan | None:
    """Return the plan for a config from `resolve_span`; None without a `window`."""
    if config.window is None or config.data.span is None:
        return None
    version = spans_on_disk(config)[config.data.span]
    return _plan_window(config, config.window, config.data.span, version, recorded_spans(config))


def find_new_spans(config: Config) -> list[int]:
    """Return the spans whose newest version is unprocessed, in order.

    A span is processed if the gate blocked it, if it was meant to be ingested only and was, or if its run reached
    the Pusher. A span whose run failed is new.
    """
    if config.window is None:
        return []
    ingested = recorded_spans(config)
    new_spans = []
    for span, version in spans_on_disk(config).items():
        runs = [item for item in ingested if (item.span, item.version) == (span, version)]
        if not runs or not _is_processed(config, config.window, max(runs, key=attrgetter("order")), ingested):
            new_spans.append(span)
    return new_spans


def recorded_spans(config: Config) -> list[IngestedSpan]:
    """Return the pipeline's ingested spans from ML Metadata; none without a store."""
    if not has_store(config):
        return []
    return list_ingested_spans(open_store(config), config.name)


def format_span(config: Config, span: int, version: int | None) -> str:
    """Return the name of a span and its version: `07`, `2013-07-01`, `07 version 2`."""
    return config.data.spans.name_of(span) + ("" if version is None else f" version {version}")


def _is_processed(config: Config, window: WindowConfig, span: IngestedSpan, ingested: list[IngestedSpan]) -> bool:
    if span.state == ACCEPTED:
        return span.released or bool(_plan_window(config, window, span.span, span.version, ingested).ingest_only_reason)
    return span.state == QUARANTINED


def _plan_window(
    config: Config, settings: WindowConfig, span: int, version: int | None, ingested: list[IngestedSpan]
) -> SpanPlan:
    window = window_before(ingested, span, settings.spans)
    name = format_span(config, span, version)
    newest = max((item.span for item in accepted_spans(ingested)), default=span)
    reason = ""
    if newest > span:
        reason = (
            f"span {name} is ingested, and no model is trained: the newer span {format_span(config, newest, None)} is"
            " already there, and its model may have seen this one; the next windows include it"
        )
    elif len(window) < settings.min_spans:
        have, need = len(window), settings.min_spans
        reason = (
            f"span {name} is ingested; training starts when {need} accepted span{'s' * (need > 1)} "
            f"{'are' if need > 1 else 'is'} there before the newest ({have} {'are' if have != 1 else 'is'})"
        )
    return SpanPlan(span, name, tuple(item.examples for item in window), reason)
