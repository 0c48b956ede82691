"""Our gateway: the spans that it sends, and the records that it keeps."""

from __future__ import annotations

from typing import Any, get_args

from shipworthy.core.events import Action, Asked, Event, GuardEvent, Stage, Usage
from shipworthy.core.observed import Hit, Observed
from shipworthy.core.served import Ending, Served
from shipworthy.telemetry.dialects.common import SpanReading, count, finish, name_of
from shipworthy.telemetry.otlp import OtlpSpan
from shipworthy.telemetry.whose import Whose

_STAGES, _ACTIONS, _ENDINGS = frozenset(get_args(Stage)), frozenset(get_args(Action)), frozenset(get_args(Ending))
_CHANGED = frozenset({"redact", "replace", "block"})


def speaks(span: OtlpSpan) -> bool:
    """Say whether a span is of our gateway's."""
    return "shipworthy.request" in span.attributes or span.scope == "shipworthy.gateway"


def read(span: OtlpSpan) -> SpanReading:
    """Read a span: of a request, or of the call that the gateway made for it."""
    attributes = span.attributes
    model = name_of(attributes.get("gen_ai.response.model")) or name_of(attributes.get("gen_ai.request.model"))
    usage = Usage(
        count(attributes.get("gen_ai.usage.input_tokens")), count(attributes.get("gen_ai.usage.output_tokens"))
    )
    if "shipworthy.request" not in attributes:
        reason = finish(attributes.get("gen_ai.response.finish_reasons"))
        provider = name_of(attributes.get("gen_ai.provider.name"))
        # Whether the gateway blocked it is counted with the request.
        reason = "stop" if reason in ("content_filter", "refusal") else reason
        return SpanReading("shipworthy", "chat", provider, model, usage, (), reason)
    events = [found for name, held in span.events if name == "shipworthy.guard" if (found := _finding(held))]
    told = count(attributes.get("shipworthy.findings"))
    return SpanReading(
        "shipworthy", "request", "", model, usage, events, "stop", max(told, len(events)), _hits(events, "")
    )


def ending_of(span: OtlpSpan) -> str:
    """Return how a request of the gateway's ended; empty where the span says no such thing."""
    found = span.attributes.get("shipworthy.ending")
    return found if isinstance(found, str) and found in _ENDINGS else ""


def observed_of(served: Served) -> tuple[Observed, Whose]:
    """Return a record of the gateway's traffic log as what production told, and whose it is: the client's."""
    usage = sum((event.usage for event in served.events if isinstance(event, Asked)), Usage())
    asked = next((event for event in reversed(served.events) if isinstance(event, Asked)), None)
    number = served.id.removeprefix("GR-")
    started = int(served.timing.started * 1e6)
    findings = sum(isinstance(event, GuardEvent) for event in served.events)
    made = Observed(
        trace=number,
        span=number[:16],
        dialect="shipworthy",
        kind="request",
        service="shipworthy-gateway",
        feature=served.client or served.route,
        provider=served.upstream,
        model=(asked.model if asked is not None else "") or served.model,
        started=started,
        ended=started + int(served.timing.seconds * 1e6),
        ending=served.ending,
        hits=_hits(served.events, served.ending),
        findings=findings,
        input_tokens=usage.input_tokens,
        output_tokens=usage.output_tokens,
        cost_usd=usage.cost_usd,
        guards=served.guards,
        decision=served.decision,
        prompt=served.prompt,
        index=served.index,
        error=served.error,
        events=served.events,
    )
    return made, Whose()


def _hits(events: object, ending: str) -> tuple[Hit, ...]:
    listed: tuple[Event, ...] = tuple(events) if isinstance(events, tuple | list) else ()
    enforced = any(isinstance(e, GuardEvent) and not e.shadow and e.action in _CHANGED for e in listed)
    refused = any(isinstance(e, Asked) and e.finish in ("content_filter", "refusal") for e in listed)
    hits: list[Hit] = []
    if enforced or ending == "blocked":
        hits.append("violation")
    if refused and ending == "answered":
        hits.append("refusal")
    return tuple(hits)


def _finding(held: object) -> GuardEvent | None:
    if not isinstance(held, dict):
        return None
    stage: Any = held.get("shipworthy.stage")
    action: Any = held.get("shipworthy.action")
    if stage not in _STAGES or action not in _ACTIONS:
        return None
    rule = name_of(held.get("shipworthy.rule"))
    return GuardEvent(rule, stage, rule, action, shadow=held.get("shipworthy.shadow") is True)
