"""OTLP: a request of spans, as protobuf or as JSON, taken apart. What attributes mean is for `telemetry.dialects`."""

from __future__ import annotations

from binascii import Error as BadBase64
from binascii import a2b_base64
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.errors import UsageError
from shipworthy.core.extras import require

MOST_SPANS = 20_000
"""Spans of one request."""
DEEPEST = 32
"""Levels of a value; what lies deeper is left out."""
_HEX = frozenset("0123456789abcdef")


class OtlpSpan(NamedTuple):
    """One span as it was sent.

    Attributes:
        trace, span, parent: lower-case hex of 16, 8 and 8 bytes; `parent` may be empty.
        started, ended: Unix time in nanoseconds, zero where it is not given.
        events: name and attributes of each.
        failed: whether its status says so; `message` is what it says.
        resource: attributes of what sent it; `scope` the name of the library that made it.
    """

    trace: str
    span: str
    parent: str
    name: str
    started: int
    ended: int
    attributes: Mapping[str, Any]
    events: list[tuple[str, Mapping[str, Any]]]
    failed: bool
    message: str
    resource: Mapping[str, Any]
    scope: str


class Received(NamedTuple):
    """What a request held: spans, and how many more were none (an identifier missing or of the wrong length)."""

    spans: list[OtlpSpan]
    rejected: int


def read_protobuf(data: bytes) -> Received:
    """Read a request.

    Raises:
        UsageError: it is none, or has too many spans.
        MissingExtra: opentelemetry-proto is not installed.
    """
    request = _request()()
    try:
        request.ParseFromString(data)
    except Exception:  # DecodeError; the library has had others for input of the kind
        raise UsageError("the body is no ExportTraceServiceRequest in protobuf") from None
    return _all(_of_protobuf(request))


def read_json(data: bytes) -> Received:
    """Read a request as JSON (identifiers in hex, 64-bit numbers as text or numbers). Errors as for `read_protobuf`."""
    try:
        request = _json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(f"the body is no ExportTraceServiceRequest in JSON: {_where(error)}") from None
    return _all(_of_json(request))


def _all(found: Iterable[OtlpSpan | None]) -> Received:
    spans: list[OtlpSpan] = []
    rejected = 0
    for span in found:
        if span is None:
            rejected += 1
        else:
            spans.append(span)
        if len(spans) + rejected > MOST_SPANS:
            raise UsageError(f"one request has more than {MOST_SPANS:,} spans: send smaller batches")
    return Received(spans, rejected)


# ---- protobuf ----


@cache
def _request() -> Any:
    module = "opentelemetry.proto.collector.trace.v1.trace_service_pb2"
    return require(module, extra="serve", package="opentelemetry-proto").ExportTraceServiceRequest


def _of_protobuf(request: Any) -> Iterator[OtlpSpan | None]:
    for of_resource in request.resource_spans:
        resource = _attributes(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            scope = of_scope.scope.name
            for span in of_scope.spans:
                trace, own = span.trace_id, span.span_id
                if len(trace) != 16 or len(own) != 8 or not any(trace) or not any(own):
                    yield None
                    continue
                parent, status = span.parent_span_id, span.status
                yield OtlpSpan(
                    trace.hex(),
                    own.hex(),
                    parent.hex() if len(parent) == 8 else "",
                    span.name,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    _attributes(span.attributes),
                    [(event.name, _attributes(event.attributes)) for event in span.events],
                    status.code == 2,
                    status.message,
                    resource,
                    scope,
                )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: Any, left: int = DEEPEST) -> Any:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return value.string_value
    if kind in ("int_value", "bool_value", "double_value"):
        return getattr(value, kind)
    if left and kind == "array_value":
        return [_value(inner, left - 1) for inner in value.array_value.values]
    if left and kind == "kvlist_value":
        return {pair.key: _value(pair.value, left - 1) for pair in value.kvlist_value.values}
    return None


# ---- JSON ----


class _Any(msgspec.Struct, rename="camel", frozen=True, gc=False):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: int | str | None = None
    double_value: float | str | None = None
    array_value: dict[str, Any] | None = None
    kvlist_value: dict[str, Any] | None = None


class _Pair(msgspec.Struct, frozen=True, gc=False):
    key: str = ""
    value: _Any = _Any()


class _Event(msgspec.Struct, frozen=True, gc=False):
    name: str = ""
    attributes: list[_Pair] = []


class _Status(msgspec.Struct, frozen=True, gc=False):
    code: int | str = 0
    message: str = ""


class _Span(msgspec.Struct, rename="camel", frozen=True, gc=False):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    start_time_unix_nano: int | str = 0
    end_time_unix_nano: int | str = 0
    attributes: list[_Pair] = []
    events: list[_Event] = []
    status: _Status = _Status()


class _Scope(msgspec.Struct, frozen=True, gc=False):
    name: str = ""


class _ScopeSpans(msgspec.Struct, frozen=True, gc=False):
    scope: _Scope = _Scope()
    spans: list[_Span] = []


class _Resource(msgspec.Struct, frozen=True, gc=False):
    attributes: list[_Pair] = []


class _ResourceSpans(msgspec.Struct, rename="camel", frozen=True, gc=False):
    resource: _Resource = _Resource()
    scope_spans: list[_ScopeSpans] = []


class _Request(msgspec.Struct, rename="camel", frozen=True, gc=False):
    resource_spans: list[_ResourceSpans] = []


_json = msgspec.json.Decoder(_Request)


def _of_json(request: _Request) -> Iterator[OtlpSpan | None]:
    for of_resource in request.resource_spans:
        resource = _pairs(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                trace, own = _identifier(span.trace_id, 16), _identifier(span.span_id, 8)
                if not trace or not own:
                    yield None
                    continue
                yield OtlpSpan(
                    trace,
                    own,
                    _identifier(span.parent_span_id, 8),
                    span.name,
                    _whole(span.start_time_unix_nano),
                    _whole(span.end_time_unix_nano),
                    _pairs(span.attributes),
                    [(event.name, _pairs(event.attributes)) for event in span.events],
                    span.status.code in (2, "STATUS_CODE_ERROR"),
                    span.status.message,
                    resource,
                    of_scope.scope.name,
                )


def _pairs(pairs: list[_Pair]) -> dict[str, Any]:
    return {pair.key: _plain(pair.value) for pair in pairs}


def _plain(value: _Any) -> Any:
    if value.string_value is not None:
        return value.string_value
    if value.bool_value is not None:
        return value.bool_value
    if value.int_value is not None:
        return _whole(value.int_value)
    if value.double_value is not None:
        return _number(value.double_value)
    if value.array_value is not None:
        return _nested({"arrayValue": value.array_value}, DEEPEST)
    if value.kvlist_value is not None:
        return _nested({"kvlistValue": value.kvlist_value}, DEEPEST)
    return None


def _nested(value: Any, left: int) -> Any:
    """Return a value that stands in a list or an object, as plain JSON."""
    if not isinstance(value, dict) or not left:
        return None
    if isinstance(inner := value.get("arrayValue"), dict):
        return [_nested(one, left - 1) for one in _listed(inner)]
    if isinstance(inner := value.get("kvlistValue"), dict):
        pairs = [pair for pair in _listed(inner) if isinstance(pair, dict)]
        return {str(pair.get("key", "")): _nested(pair.get("value"), left - 1) for pair in pairs}
    if "intValue" in value:
        return _whole(value["intValue"])
    for name in ("stringValue", "boolValue", "doubleValue"):
        if name in value and isinstance(value[name], str | bool | float | int):
            return value[name]
    return None


def _listed(value: Mapping[str, Any]) -> list[Any]:
    found = value.get("values")
    return found if isinstance(found, list) else []


def _identifier(text: str, size: int) -> str:
    """Return an identifier as lower-case hex; empty where it is none. Some senders write it in base64."""
    lowered = text.lower()
    if len(lowered) == 2 * size and _HEX.issuperset(lowered):
        return lowered if lowered.strip("0") else ""
    try:
        data = a2b_base64(text.encode("ascii", "replace"), strict_mode=True)
    except (BadBase64, ValueError):
        return ""
    return data.hex() if len(data) == size and any(data) else ""


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        return 0
    try:
        return int(value)
    except ValueError:
        return 0


def _number(value: float | str) -> float:
    try:
        return float(value)
    except ValueError:
        return 0.0


def _where(error: Exception) -> str:
    """Return what a decoder says, without a value that it quotes."""
    return str(error).partition(" - at ")[2] or type(error).__name__
