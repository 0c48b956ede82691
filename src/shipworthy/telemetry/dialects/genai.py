"""OpenTelemetry's semantic conventions for generative AI, as they are now (structured messages in attributes)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from shipworthy.core.events import Called, Event, Retrieved, Returned, Usage
from shipworthy.core.messages import Document, Message, MessagePart, Reasoning, Role, Text, ToolCall, ToolResult
from shipworthy.telemetry.dialects.common import (
    MOST,
    SpanReading,
    call,
    conversation,
    count,
    finish,
    listed,
    mapping,
    name_of,
    operation,
    parsed,
    role,
    text_of,
)
from shipworthy.telemetry.otlp import OtlpSpan


def speaks(span: OtlpSpan) -> bool:
    """Say whether a span is in this dialect."""
    attributes = span.attributes
    return "gen_ai.provider.name" in attributes or "gen_ai.input.messages" in attributes or (
        "gen_ai.output.messages" in attributes or "gen_ai.tool.call.arguments" in attributes
    )  # fmt: skip


def read(span: OtlpSpan) -> SpanReading:
    """Read a span."""
    attributes = span.attributes
    usage = Usage(
        count(attributes.get("gen_ai.usage.input_tokens")), count(attributes.get("gen_ai.usage.output_tokens"))
    )
    model = name_of(attributes.get("gen_ai.response.model")) or name_of(attributes.get("gen_ai.request.model"))
    kind = operation(attributes.get("gen_ai.operation.name"))
    reason = finish(attributes.get("gen_ai.response.finish_reasons"))
    said = [*_instructions(attributes.get("gen_ai.system_instructions"))]
    said += _messages(attributes.get("gen_ai.input.messages"), "user")
    answers = list(_messages(attributes.get("gen_ai.output.messages"), "assistant"))
    events: list[Event] = []
    if kind in ("chat", "other", "agent") and (said or answers or kind == "chat"):
        events += conversation(said, answers, usage, model, reason)
    events += _tool(attributes)
    for place, document in enumerate(listed(parsed(attributes.get("gen_ai.retrieval.documents")))):
        held = mapping(document)
        text = text_of(held.get("content", held.get("text", "" if held else document)))
        events.append(Retrieved(1, Document(text_of(held.get("id")) or str(place), text)))
    return SpanReading("genai", kind, name_of(attributes.get("gen_ai.provider.name")), model, usage, events, reason)


def _tool(attributes: Any) -> Iterator[Event]:
    name = attributes.get("gen_ai.tool.name")
    if name is None:
        return
    id = attributes.get("gen_ai.tool.call.id")
    yield Called(1, call(id, name, attributes.get("gen_ai.tool.call.arguments")))
    if (result := attributes.get("gen_ai.tool.call.result")) is not None:
        yield Returned(1, ToolResult(text_of(id), text_of(name), text_of(result)))


def _instructions(value: Any) -> Iterator[Message]:
    if parts := tuple(_part(part, "system") for part in listed(parsed(value))):
        yield Message("system", tuple(part for part in parts if part is not None))


def _messages(value: Any, default: Role) -> Iterator[Message]:
    for one in listed(parsed(value)):
        if isinstance(one, str):
            yield Message(default, (Text(one),))
            continue
        held = mapping(one)
        of = role(held.get("role"), default)
        parts = [_part(part, of) for part in listed(held.get("parts", held.get("content")))[:MOST]]
        yield Message(of, tuple(part for part in parts if part is not None))


def _part(part: Any, of: Role) -> MessagePart | None:
    if not isinstance(part, dict):
        return Text(text_of(part))
    kind = part.get("type", "text")
    if kind == "text":
        text = text_of(part.get("content", part.get("text")))
        return ToolResult(text_of(part.get("id")), "", text) if of == "tool" else Text(text)
    if kind in ("reasoning", "thinking"):
        return Reasoning(text_of(part.get("content")))
    if kind == "tool_call":
        made: ToolCall = call(part.get("id"), part.get("name"), part.get("arguments"))
        return made
    if kind == "tool_call_response":
        result = part.get("response", part.get("result", part.get("content")))
        return ToolResult(text_of(part.get("id")), text_of(part.get("name")), text_of(result))
    return None  # a picture, a file, a sound: nothing can see into it
