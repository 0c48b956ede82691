"""The fact: what is kept of a span for counting. No words of a conversation, nobody's name.

FactView outlive content: when the key of a person is destroyed, their facts stay, and lead nowhere.
"""

from __future__ import annotations

import re

from msgspec import Struct

from shipworthy.core.events import Said
from shipworthy.core.observed import Observed

FUTURE_US = 300 * 1_000_000
"""Microseconds by which a sender's clock may be ahead of ours; a time beyond is replaced by that of receipt."""
LATE_US = 3_600 * 1_000_000
"""Microseconds after which a span counts as late. It keeps its own time."""

AHEAD, LATE, BACKWARDS = 1, 2, 4
"""Bits of `TelemetryFact.skew`: the sender's clock was ahead of ours; the span came late; it ended before it began."""

_MOST = 2**32 - 1
_PERSONAL = re.compile(r"\[redacted:(?!secret\]|text\])")


class TelemetryFact(Struct, gc=False, kw_only=True):
    """One span, as a row.

    Attributes:
        time: when it began, Unix time in microseconds; that of receipt where the sender's clock was ahead by more than
            `FUTURE_US`. `received` when it came here. `skew` says what was wrong with its times (bits).
        trace, span, parent: lower-case hex.
        subject: stands for the person it is about; derived from their key, so it leads to nobody once that is gone.
            `session` stands for the conversation. 64 bits each, 0 where the span names none.
        severity: 1 (S1, worst) to 4; 0 unrated.
        violation, pii, refusal: what is counted, see `core.observed.Hit`.
        new_session: the first fact of its session on this day in this feature; `new_violation` of its session with a
            violation of this severity, `new_pii` and `new_refusal` alike. Their sums count sessions.
        seconds: from begin to end; 0 where it ended before it began.
        content: name of the segment that holds its content; empty where it has none. `kept` is the class by which that
            is kept, `block` and `place` where in it.
        bytes: of its content before compression.
    """

    time: int
    received: int
    trace: str
    span: str
    parent: str = ""
    service: str = ""
    feature: str = ""
    kind: str = "other"
    dialect: str = "plain"
    provider: str = ""
    model: str = ""
    session: int = 0
    subject: int = 0
    severity: int = 0
    violation: bool = False
    pii: bool = False
    refusal: bool = False
    new_session: bool = False
    new_violation: bool = False
    new_pii: bool = False
    new_refusal: bool = False
    ending: str = "ok"
    findings: int = 0
    seconds: float = 0.0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    guards: str = ""
    decision: str = ""
    prompt: str = ""
    index: str = ""
    error: str = ""
    skew: int = 0
    content: str = ""
    kept: str = ""
    block: int = 0
    place: int = 0
    bytes: int = 0


COLUMNS: dict[str, tuple[str, str]] = {
    "time": ("BIGINT", "make_timestamp(time)"),
    "received": ("BIGINT", "make_timestamp(received)"),
    "trace": ("VARCHAR", "unhex(trace)"),
    "span": ("VARCHAR", "unhex(span)"),
    "parent": ("VARCHAR", "unhex(parent)"),
    **{
        name: ("VARCHAR", name)
        for name in (
            "service", "feature", "kind", "dialect", "provider", "model", "ending", "guards", "decision", "prompt",
            "index", "error", "content", "kept",
        )
    },
    "session": ("UBIGINT", "session"),
    "subject": ("UBIGINT", "subject"),
    "severity": ("UTINYINT", "severity"),
    **{
        name: ("BOOLEAN", name)
        for name in ("violation", "pii", "refusal", "new_session", "new_violation", "new_pii", "new_refusal")
    },
    "findings": ("UINTEGER", "findings"),
    "seconds": ("DOUBLE", "seconds::FLOAT"),
    "input_tokens": ("UINTEGER", "input_tokens"),
    "output_tokens": ("UINTEGER", "output_tokens"),
    "cost_usd": ("DOUBLE", "cost_usd::FLOAT"),
    "skew": ("UTINYINT", "skew"),
    "block": ("UINTEGER", "block"),
    "place": ("UINTEGER", "place"),
    "bytes": ("UINTEGER", "bytes"),
}  # fmt: skip
"""Column -> its DuckDB type as JSON, and the expression that makes the stored value of it. ``day`` is derived."""


def fact_of(observed: Observed, *, session: int, subject: int, received: int) -> TelemetryFact:
    """Return the fact of a redacted record; what depends on other facts, and on its content, is still to be filled in.

    Args:
        received: Unix time in microseconds.
    """
    time, skew = observed.started, 0
    if time <= 0 or time > received + FUTURE_US:
        time, skew = received, AHEAD
    elif time < received - LATE_US:
        skew = LATE
    if observed.ended < observed.started:
        skew |= BACKWARDS
    hits = observed.hits
    pii = "pii" in hits or any(
        isinstance(event, Said) and event.by == "target" and _personal(event.message.text) for event in observed.events
    )
    return TelemetryFact(
        time=time,
        received=received,
        trace=observed.trace,
        span=observed.span,
        parent=observed.parent,
        service=observed.service,
        feature=observed.feature,
        kind=observed.kind,
        dialect=observed.dialect,
        provider=observed.provider,
        model=observed.model,
        session=session,
        subject=subject,
        severity=observed.severity,
        violation="violation" in hits,
        pii=pii,
        refusal="refusal" in hits,
        ending=observed.ending,
        findings=min(observed.findings, _MOST),
        seconds=max(0, observed.ended - observed.started) / 1e6,
        input_tokens=min(max(0, observed.input_tokens), _MOST),
        output_tokens=min(max(0, observed.output_tokens), _MOST),
        cost_usd=observed.cost_usd,
        guards=observed.guards,
        decision=observed.decision,
        prompt=observed.prompt,
        index=observed.index,
        error=observed.error,
        skew=skew,
    )


def _personal(text: str) -> bool:
    return "[redacted:" in text and _PERSONAL.search(text) is not None
