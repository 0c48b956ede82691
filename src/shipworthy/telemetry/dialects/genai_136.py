"""OpenTelemetry's conventions for generative AI up to 1.36: messages as events of the span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shipworthy.core.events import Called, Event, Usage
from shipworthy.core.messages import Message, ToolCall
from shipworthy.telemetry.dialects.common import (
    SpanReading,
    call,
    conversation,
    count,
    finish,
    listed,
    mapping,
    message,
    name_of,
    operation,
    parsed,
    role,
    text_of,
)
from shipworthy.telemetry.otlp import OtlpSpan

_SAID = {
    "gen_ai.system.message": "system", "gen_ai.user.message": "user", "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}  # fmt: skip


def speaks(span: OtlpSpan) -> bool:
    """Say whether a span is in this dialect."""
    return "gen_ai.system" in span.attributes or "gen_ai.operation.name" in span.attributes


def read(span: OtlpSpan) -> SpanReading:
    """Read a span."""
    attributes = span.attributes
    usage = Usage(_tokens(attributes, "input", "prompt"), _tokens(attributes, "output", "completion"))
    model = name_of(attributes.get("gen_ai.response.model")) or name_of(attributes.get("gen_ai.request.model"))
    kind = operation(attributes.get("gen_ai.operation.name") or "chat")
    reason = finish(attributes.get("gen_ai.response.finish_reasons"))
    said: list[Message] = []
    answers: list[Message] = []
    for name, held in span.events:
        if name in _SAID:
            said.append(_message(role(held.get("role"), role(_SAID[name])), held))
        elif name == "gen_ai.choice":
            inner = parsed(held.get("message", held.get("gen_ai.choice.message")))
            answers.append(_message("assistant", {**held, **mapping(inner)} if isinstance(inner, dict) else
                                    {**held, **({"content": inner} if inner is not None else {})}))  # fmt: skip
            if "finish_reason" in held:
                reason = finish(held["finish_reason"])
        elif name == "gen_ai.content.prompt":
            said += _whole(held.get("gen_ai.prompt"), "user")
        elif name == "gen_ai.content.completion":
            answers += _whole(held.get("gen_ai.completion"), "assistant")
    events: list[Event] = []
    if said or answers or kind == "chat":
        events += conversation(said, answers, usage, model, reason)
    if (tool := attributes.get("gen_ai.tool.name")) is not None:
        events.append(Called(1, call(attributes.get("gen_ai.tool.call.id"), tool, None)))
    return SpanReading("genai-1.36", kind, name_of(attributes.get("gen_ai.system")), model, usage, events, reason)


def _tokens(attributes: Mapping[str, Any], now: str, before: str) -> int:
    return count(attributes.get(f"gen_ai.usage.{now}_tokens", attributes.get(f"gen_ai.usage.{before}_tokens")))


def _message(of: Any, held: Mapping[str, Any]) -> Message:
    content = held.get("content", held.get("gen_ai.event.content"))
    read_content = parsed(content)
    if isinstance(read_content, list):
        content = read_content
    elif isinstance(read_content, dict) and "content" in read_content:
        content, held = read_content["content"], {**held, **read_content}
    return message(of, content, _calls(held.get("tool_calls")), answers=text_of(held.get("id")))


def _calls(value: Any) -> Iterator[ToolCall]:
    for one in listed(parsed(value)):
        held = mapping(one)
        function = mapping(held.get("function")) or held
        if held:
            yield call(held.get("id"), function.get("name"), function.get("arguments"))


def _whole(value: Any, default: str) -> Iterator[Message]:
    """Yield messages that stand in one attribute, as JSON or as plain text."""
    for one in listed(parsed(value)):
        held = mapping(one)
        if not held:
            yield message(role(default), one)
            continue
        yield message(role(held.get("role"), role(default)), held.get("content"), _calls(held.get("tool_calls")))
