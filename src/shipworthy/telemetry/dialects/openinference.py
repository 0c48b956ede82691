"""OpenInference: messages as attributes with numbers in their names, and a kind of span."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shipworthy.core.events import Called, Event, Retrieved, Returned, Usage
from shipworthy.core.messages import Document, Message, Role, ToolCall, ToolResult
from shipworthy.core.observed import SpanKind
from shipworthy.telemetry.dialects.common import (
    SpanReading,
    amount,
    call,
    conversation,
    count,
    listed,
    mapping,
    message,
    name_of,
    role,
    text_of,
    tree,
)
from shipworthy.telemetry.otlp import OtlpSpan

_KINDS: dict[str, SpanKind] = {
    "LLM": "chat", "EMBEDDING": "embeddings", "TOOL": "tool", "RETRIEVER": "retrieval", "RERANKER": "retrieval",
    "GUARDRAIL": "guard", "AGENT": "agent", "CHAIN": "agent",
}  # fmt: skip


def speaks(span: OtlpSpan) -> bool:
    """Say whether a span is in this dialect."""
    return "openinference.span.kind" in span.attributes or "llm.model_name" in span.attributes


def read(span: OtlpSpan) -> SpanReading:
    """Read a span."""
    attributes = span.attributes
    kind = _KINDS.get(str(attributes.get("openinference.span.kind", "LLM")).upper(), "other")
    usage = Usage(
        count(attributes.get("llm.token_count.prompt")),
        count(attributes.get("llm.token_count.completion")),
        amount(attributes.get("llm.cost.total")),
    )
    model = name_of(attributes.get("llm.model_name")) or name_of(attributes.get("embedding.model_name"))
    provider = name_of(attributes.get("llm.provider")) or name_of(attributes.get("llm.system"))
    said = list(_messages(tree(attributes, "llm.input_messages"), "user"))
    answers = list(_messages(tree(attributes, "llm.output_messages"), "assistant"))
    given, gave = attributes.get("input.value"), attributes.get("output.value")
    events: list[Event] = []
    if kind == "tool":
        name = attributes.get("tool.name", span.name)
        id = attributes.get("tool_call.id", attributes.get("tool.id"))
        events.append(Called(1, call(id, name, attributes.get("tool.parameters", given))))
        if gave is not None:
            events.append(Returned(1, ToolResult(text_of(id), text_of(name), text_of(gave))))
    elif kind in ("chat", "agent", "guard", "other"):
        # The whole request and answer stand there again, as JSON; the messages say more.
        said = said or ([message("user", given)] if given else [])
        answers = answers or ([message("assistant", gave)] if gave else [])
        events += conversation(said, answers, usage, model, "stop")
    elif given:
        events += conversation([message("user", given)], [], usage, model, "stop")
    for place, one in enumerate(listed(tree(attributes, "retrieval.documents"))):
        held = mapping(mapping(one).get("document"))
        if held:
            events.append(Retrieved(1, Document(text_of(held.get("id")) or str(place), text_of(held.get("content")))))
    return SpanReading("openinference", kind, provider, model, usage, events)


def _messages(value: Any, default: Role) -> Iterator[Message]:
    for one in listed(value) if isinstance(value, list) else []:
        held = mapping(mapping(one).get("message"))
        content: Any = held.get("content")
        if content is None:
            content = [mapping(mapping(part).get("message_content")) for part in listed(held.get("contents"))]
        yield message(role(held.get("role"), default), content, _calls(held), answers=text_of(held.get("tool_call_id")))


def _calls(held: Mapping[str, Any]) -> Iterator[ToolCall]:
    for one in listed(held.get("tool_calls")):
        made = mapping(mapping(one).get("tool_call"))
        function = mapping(made.get("function"))
        if made:
            yield call(made.get("id"), function.get("name"), function.get("arguments"))
