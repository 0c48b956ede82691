"""From spans to records: which dialect a span speaks, and what is read of every span alike."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from shipworthy.core.events import Event, Failed, GuardEvent
from shipworthy.core.observed import Hit, Observed
from shipworthy.telemetry.dialects import gateway, genai, genai_136, openinference, openllmetry
from shipworthy.telemetry.dialects.common import (
    SpanReading,
    amount,
    evaluation,
    feature_of,
    first,
    name_of,
    subject_of,
    text_of,
)
from shipworthy.telemetry.otlp import OtlpSpan
from shipworthy.telemetry.whose import Whose

# The narrowest first: OpenLLMetry has attributes of the conventions besides its own.
_DIALECTS: tuple[tuple[Callable[[OtlpSpan], bool], Callable[[OtlpSpan], SpanReading]], ...] = (
    (gateway.speaks, gateway.read),
    (openinference.speaks, openinference.read),
    (openllmetry.speaks, openllmetry.read),
    (genai.speaks, genai.read),
    (genai_136.speaks, genai_136.read),
)
_SEVERITIES = {"S1": 1, "S2": 2, "S3": 3, "S4": 4}
_EVALUATED = "gen_ai.evaluation.result"


class ToldSpan(NamedTuple):
    """One span, read: what happened, not redacted yet, and whose it is."""

    observed: Observed
    whose: Whose


def observe(spans: Iterable[OtlpSpan]) -> list[ToldSpan]:
    """Read spans. Nothing of what is returned may be written down before `detect.redact.seal_observed` has seen it."""
    return [_observe(span) for span in spans]


def _observe(span: OtlpSpan) -> ToldSpan:
    reading = next((read(span) for speaks, read in _DIALECTS if speaks(span)), _PLAIN)
    attributes = span.attributes
    events: list[Event] = list(reading.events)
    hits: list[Hit] = list(reading.hits)
    findings = reading.findings
    severity = _SEVERITIES.get(str(attributes.get("shipworthy.severity", "")), 0)
    for name, held in span.events:
        if name == _EVALUATED:
            found, hit = evaluation(held)
            events.append(found)
            findings += 1
            if hit is not None:
                hits.append(hit)
                told = _SEVERITIES.get(str(held.get("shipworthy.severity", "")), 0)
                severity = min(severity or told, told or severity)
        elif name == "exception":
            kind = name_of(held.get("exception.type"))
            events.append(Failed(1, "target", kind, text_of(held.get("exception.message"))))
    if reading.finish in ("content_filter", "refusal"):
        hits.append("refusal")
    if any(isinstance(event, GuardEvent) for event in events) and not findings:
        findings = sum(isinstance(event, GuardEvent) for event in events)
    error = first(attributes, ("error.type",)) or (span.message if span.failed else "")
    ending = gateway.ending_of(span) or ("error" if span.failed or error else "ok")
    observed = Observed(
        trace=span.trace,
        span=span.span,
        parent=span.parent,
        dialect=reading.dialect,
        kind=reading.kind,
        service=name_of(span.resource.get("service.name")),
        feature=feature_of(span),
        provider=reading.provider,
        model=reading.model,
        started=span.started // 1_000,
        ended=span.ended // 1_000,
        ending=ending,
        severity=severity,
        hits=tuple(dict.fromkeys(hits)),
        findings=findings,
        input_tokens=reading.usage.input_tokens,
        output_tokens=reading.usage.output_tokens,
        cost_usd=reading.usage.cost_usd or amount(attributes.get("shipworthy.cost_usd")),
        guards=name_of(attributes.get("shipworthy.guards")),
        decision=name_of(attributes.get("shipworthy.decision")),
        prompt=name_of(attributes.get("shipworthy.prompt")),
        index=name_of(attributes.get("shipworthy.index")),
        error=name_of(error),
        events=tuple(events),
    )
    return ToldSpan(observed, Whose(*subject_of(span)))


_PLAIN = SpanReading("plain")
