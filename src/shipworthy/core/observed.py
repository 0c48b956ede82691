"""What production tells of itself: one record a span, of the same events as an attempt of an evaluation."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from shipworthy.core.events import Event
from shipworthy.core.text import Content, Name

SpanKind = Literal["chat", "embeddings", "tool", "retrieval", "guard", "agent", "request", "other"]
"""What a span is of. ``request``: one that a gateway served; ``other``: nothing that we know more of."""

Hit = Literal["violation", "pii", "refusal"]
"""What is counted among sessions.

``violation``: a guard in force changed or blocked something, or an evaluation of the span failed. ``pii``: redaction
took personal data out of what the system said. ``refusal``: the system declined, by its finish reason or an evaluation.
"""


class Observed(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One span, read from whichever dialect it came in. Whose it was is no part of it: see `telemetry.whose`.

    Attributes:
        trace, span, parent: lower-case hex of 16, 8 and 8 bytes; `parent` empty where there is none.
        dialect: in which it came: ``genai``, ``genai-1.36``, ``openinference``, ``openllmetry``, ``shipworthy``, or
            ``plain`` where it says nothing of a model.
        service: that sent it; `feature` of the product that it belongs to.
        started, ended: Unix time in microseconds, as the sender's clock had them.
        ending: how it ended: ``ok``, ``error``, or one of a gateway's endings.
        severity: 1 (S1, worst) to 4; 0 where nobody gave one.
        hits: what is counted, each once.
        input_tokens, output_tokens, cost_usd: zero where nobody says.
        guards, decision, prompt, index: digests and an id that tie it to what was evaluated; empty where unknown.
        error: class and message of what went wrong.
    """

    trace: Name
    span: Name
    dialect: Name
    parent: Name = ""
    kind: SpanKind = "other"
    service: Content = ""
    feature: Content = ""
    provider: Content = ""
    model: Content = ""
    started: int = 0
    ended: int = 0
    ending: Name = "ok"
    severity: int = 0
    hits: tuple[Hit, ...] = ()
    findings: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    guards: Content = ""
    decision: Content = ""
    prompt: Content = ""
    index: Content = ""
    error: Content = ""
    events: tuple[Event, ...] = ()
