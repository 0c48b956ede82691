"""What all dialects share: values as text, messages, numbers; and what is read of every span alike."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from shipworthy.core.events import Asked, Event, GuardEvent, Said, Usage
from shipworthy.core.messages import Message, MessagePart, Reasoning, Role, Text, ToolCall, ToolResult
from shipworthy.core.observed import Hit, SpanKind
from shipworthy.telemetry.otlp import OtlpSpan

MOST = 2_000
"""Messages, parts, calls or documents that are read of one span."""
_LONGEST = 200
TOO_LONG = "(too long)"
_ROLES: dict[str, Role] = {
    "system": "system", "developer": "system", "user": "user", "human": "user", "assistant": "assistant",
    "ai": "assistant", "model": "assistant", "tool": "tool", "function": "tool",
}  # fmt: skip
_FINISHES = {
    "stop": "stop", "end_turn": "stop", "stop_sequence": "stop", "length": "length", "max_tokens": "length",
    "content_filter": "content_filter", "safety": "content_filter", "refusal": "refusal", "tool_call": "tool_calls",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls", "error": "error",
}  # fmt: skip
_FAILED = frozenset(
    {"fail", "failed", "unsafe", "violation", "violated", "hit", "flagged", "toxic", "harmful", "block"}
)
_OPERATIONS: dict[str, SpanKind] = {
    "chat": "chat", "text_completion": "chat", "generate_content": "chat", "embeddings": "embeddings",
    "execute_tool": "tool", "invoke_agent": "agent", "create_agent": "agent", "invoke_workflow": "agent",
    "retrieval": "retrieval",
}  # fmt: skip
_SUBJECTS = ("user.id", "enduser.id", "enduser.pseudo.id", "traceloop.association.properties.user_id")
_SESSIONS = (
    "gen_ai.conversation.id", "session.id", "traceloop.association.properties.session_id", "shipworthy.session",
)  # fmt: skip
_FEATURES = ("shipworthy.feature", "gen_ai.agent.name", "traceloop.workflow.name", "agent.name")


class SpanReading(NamedTuple):
    """What a dialect reads of a span; `telemetry.read.observe` adds what is read of every span alike."""

    dialect: str
    kind: SpanKind = "other"
    provider: str = ""
    model: str = ""
    usage: Usage = Usage()
    events: Sequence[Event] = ()
    finish: str = "stop"
    findings: int = 0
    hits: tuple[Hit, ...] = ()


def text_of(value: Any) -> str:
    """Return a value as text: text as it is, everything else as JSON; nothing for nothing."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    try:
        return msgspec.json.encode(value).decode()
    except (TypeError, ValueError, RecursionError, UnicodeEncodeError, OverflowError):
        return ""


def parsed(value: Any) -> Any:
    """Return what a text holds as JSON; the value itself where it is no text, or no JSON."""
    if not isinstance(value, str):
        return value
    try:
        return msgspec.json.decode(value)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError, ValueError):
        return value


def listed(value: Any) -> list[Any]:
    """Return a list: of a value that is none, the value alone; of nothing, none."""
    if isinstance(value, list):
        return value[:MOST]
    return [] if value is None or value == "" else [value]


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def count(value: Any) -> int:
    """Return a whole number of at least zero; zero for anything else."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 2**32:
        return 0
    return int(value)


def amount(value: Any) -> float:
    """Return a finite number of at least zero; zero for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0.0
    return max(0.0, float(value))


def first(attributes: Mapping[str, Any], names: Iterable[str]) -> str:
    """Return the first of some attributes that holds something, as text."""
    return next((text for name in names if (text := text_of(attributes.get(name)))), "")


def role(value: Any, default: Role = "user") -> Role:
    """Return a role in our words."""
    return _ROLES.get(value.lower(), default) if isinstance(value, str) else default


def finish(value: Any) -> str:
    """Return a finish reason in our words; ``other`` for one that is none of them."""
    found = next(iter(listed(value)), None)
    if not isinstance(found, str) or not found:
        return "stop"
    return _FINISHES.get(found.lower(), "other")


def operation(value: Any) -> SpanKind:
    """Return what a span is of, by the name of its operation."""
    return _OPERATIONS.get(value, "other") if isinstance(value, str) else "other"


def name_of(value: Any) -> str:
    """Return a name; a sign that there was one where it is too long. It is redacted with everything else.

    It is not cut: what is left of a secret might not be told for one any more.
    """
    text = text_of(value)
    return text if len(text) <= _LONGEST else TOO_LONG


def call(id: Any, name: Any, arguments: Any) -> ToolCall:
    """Return a call of a tool, its arguments as an object or as the text of one."""
    read = parsed(arguments)
    held = dict(read) if isinstance(read, dict) else {"arguments": read} if read not in (None, "") else {}
    return ToolCall(text_of(id), text_of(name), held)


def message(of: Role, content: Any, calls: Iterable[ToolCall] = (), *, answers: str = "") -> Message:
    """Return a message of a text, or of parts as chat completions have them, and of calls.

    Args:
        answers: of a tool's message, the call that it answers.
    """
    parts: list[MessagePart] = []
    for piece in content[:MOST] if isinstance(content, list) else [content]:
        if isinstance(piece, dict):
            text = text_of(piece.get("text", piece.get("content")))
            kind = piece.get("type")
            if not text and kind not in (None, "text"):
                continue  # a picture, a sound: nothing can see into it
            parts.append(Reasoning(text) if kind in ("reasoning", "thinking") else Text(text))
        elif piece is not None and piece != "":
            text = text_of(piece)
            parts.append(ToolResult(answers, "", text) if of == "tool" else Text(text))
    return Message(of, (*parts, *calls))


def conversation(
    said: Iterable[Message], answers: Iterable[Message], usage: Usage, model: str, reason: str
) -> Iterator[Event]:
    """Yield the events of one call of a model: what it was given, that it was asked, and what it said."""
    for one in said:
        if one.parts:
            yield Said(1, one)
    yield Asked(1, "target", usage=usage, finish=reason, model=model)
    for one in answers:
        if one.parts:
            yield Said(1, one, by="target")


def evaluation(attributes: Mapping[str, Any]) -> tuple[GuardEvent, Hit | None]:
    """Return an evaluation's result (``gen_ai.evaluation.result``), and what it counts as."""
    name = name_of(attributes.get("gen_ai.evaluation.name"))
    label = name_of(attributes.get("gen_ai.evaluation.score.label"))
    why = text_of(attributes.get("gen_ai.evaluation.explanation"))
    hit: Hit | None = None
    if label.lower() in _FAILED:
        lowered = name.lower()
        hit = "refusal" if "refus" in lowered else "pii" if "pii" in lowered else "violation"
    return GuardEvent(name, "output", label, "allow", why), hit


def subject_of(span: OtlpSpan) -> tuple[str, str]:
    """Return whose a span is, and in which conversation, as the sender calls them."""
    who = first(span.attributes, _SUBJECTS)
    return who, first(span.attributes, _SESSIONS) or first(span.resource, ("session.id",))


def feature_of(span: OtlpSpan) -> str:
    """Return the feature that a span belongs to: as it says, else the service."""
    found = first(span.attributes, _FEATURES) or first(span.resource, ("shipworthy.feature", "service.name"))
    return name_of(found)


def tree(attributes: Mapping[str, Any], prefix: str) -> Any:
    """Return attributes with dotted names as lists and objects: ``a.0.b`` is in item 0 of ``a``."""
    root: dict[str, Any] = {}
    begins = prefix + "."
    for key, value in attributes.items():
        if not key.startswith(begins):
            continue
        at, *rest = key[len(begins) :].split(".", 16)
        node = root
        for step in rest:
            inner = node.get(at)
            if not isinstance(inner, dict):
                inner = node[at] = {}
            node, at = inner, step
        node[at] = value
    return _as_lists(root)


def _as_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node and all(key.isascii() and key.isdigit() and len(key) < 8 for key in node):
        return [_as_lists(node[key]) for key in sorted(node, key=int)][:MOST]
    return {key: _as_lists(value) for key, value in node.items()}
