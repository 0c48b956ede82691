"""OpenLLMetry (Traceloop): prompts and completions as attributes with numbers in their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shipworthy.core.events import Called, Event, Returned, Usage
from shipworthy.core.messages import Message, Role, ToolCall, ToolResult
from shipworthy.core.observed import SpanKind
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
    parsed,
    role,
    text_of,
    tree,
)
from shipworthy.telemetry.otlp import OtlpSpan

_TYPES: dict[str, SpanKind] = {"chat": "chat", "completion": "chat", "embedding": "embeddings", "rerank": "retrieval"}
_KINDS: dict[str, SpanKind] = {"tool": "tool", "agent": "agent", "workflow": "agent", "task": "agent"}


def speaks(span: OtlpSpan) -> bool:
    """Say whether a span is in this dialect."""
    attributes = span.attributes
    marks = ("llm.request.type", "traceloop.span.kind", "gen_ai.prompt.0.content", "gen_ai.prompt.0.role")
    return any(mark in attributes for mark in marks) or "gen_ai.completion.0.content" in attributes


def read(span: OtlpSpan) -> SpanReading:
    """Read a span."""
    attributes = span.attributes
    kind: SpanKind = _TYPES.get(str(attributes.get("llm.request.type", "")), "other")
    if kind == "other":
        kind = _KINDS.get(str(attributes.get("traceloop.span.kind", "")), "chat")
    usage = Usage(_tokens(attributes, "prompt", "input"), _tokens(attributes, "completion", "output"))
    model = name_of(attributes.get("gen_ai.response.model")) or name_of(attributes.get("gen_ai.request.model"))
    completions = tree(attributes, "gen_ai.completion")
    given, gave = attributes.get("traceloop.entity.input"), attributes.get("traceloop.entity.output")
    events: list[Event] = []
    reason = finish(
        next((mapping(one).get("finish_reason") for one in listed(completions)), None)
        or attributes.get("gen_ai.response.finish_reasons")
    )
    if kind == "tool":
        name = attributes.get("traceloop.entity.name", span.name)
        events.append(Called(1, call("", name, _arguments(given))))
        if gave is not None:
            events.append(Returned(1, ToolResult("", text_of(name), text_of(gave))))
    else:
        said = list(_messages(tree(attributes, "gen_ai.prompt"), "user"))
        answers = list(_messages(completions, "assistant"))
        said = said or ([message("user", text_of(given))] if given else [])
        answers = answers or ([message("assistant", text_of(gave))] if gave else [])
        events += conversation(said, answers, usage, model, reason)
    provider = name_of(attributes.get("gen_ai.provider.name")) or name_of(attributes.get("gen_ai.system"))
    return SpanReading("openllmetry", kind, provider, model, usage, events, reason)


def _tokens(attributes: Mapping[str, Any], before: str, now: str) -> int:
    return count(attributes.get(f"gen_ai.usage.{now}_tokens", attributes.get(f"gen_ai.usage.{before}_tokens")))


def _arguments(value: Any) -> Any:
    held = parsed(value)
    return held.get("inputs", held.get("args", held)) if isinstance(held, dict) else held


def _messages(value: Any, default: Role) -> Iterator[Message]:
    for one in listed(value) if isinstance(value, list) else []:
        held = mapping(one)
        content = held.get("content")
        read_content = parsed(content) if isinstance(content, str) and content.startswith("[") else content
        yield message(
            role(held.get("role"), default),
            read_content if isinstance(read_content, list) else content,
            _calls(held.get("tool_calls")),
            answers=text_of(held.get("tool_call_id")),
        )


def _calls(value: Any) -> Iterator[ToolCall]:
    for one in listed(value):
        held = mapping(one)
        if held:
            yield call(held.get("id"), held.get("name"), held.get("arguments"))
