"""A request's place in a distributed trace (W3C Trace Context, level 1)."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import NamedTuple

TRACEPARENT = "traceparent"
_WRITTEN = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class TraceContext(NamedTuple):
    """Identifiers of one request.

    Attributes:
        trace: of the trace, 128 bits; the client's where it sent one.
        parent: of the client's span, 64 bits; 0 where it sent none.
        request, call: of the gateway's own spans: the request, and asking the upstream.
        sampled: whether the spans are sent.
    """

    trace: int
    parent: int
    request: int
    call: int
    sampled: bool

    @property
    def onward(self) -> dict[str, str]:
        """The header for the upstream."""
        return {TRACEPARENT: f"00-{self.trace:032x}-{self.call:016x}-{'01' if self.sampled else '00'}"}


def begin(headers: Mapping[str, str], sample: float) -> TraceContext:
    """Return the trace of a request: the client's, or one of its own. A header that is none is passed over.

    Args:
        sample: share of the traces of its own that are sent, in [0, 1]. Of a client's the client has decided.
    """
    request, call = secrets.randbits(64) or 1, secrets.randbits(64) or 1
    found = _WRITTEN.fullmatch(headers.get(TRACEPARENT, "")[:200])
    if found is None or (found[1] == "00" and found[5]):
        trace = secrets.randbits(128) or 1
        return TraceContext(trace, 0, request, call, (trace & (2**56 - 1)) < sample * 2**56)
    return TraceContext(int(found[2], 16), int(found[3], 16), request, call, bool(int(found[4], 16) & 1))
