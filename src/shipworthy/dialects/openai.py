"""The OpenAI chat wire: messages out, replies in. Shared by every target that speaks it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shipworthy.core.errors import TargetError
from shipworthy.core.records import (
    Audio,
    Image,
    Message,
    Reasoning,
    Reply,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)


def to_wire(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Return messages as the chat-completions API wants them.

    A message with several tool results becomes one wire message a result; tool calls ride on their assistant turn.
    """
    wire: list[dict[str, Any]] = []
    for message in messages:
        results = [p for p in message.parts if isinstance(p, ToolResult)]
        others = [p for p in message.parts if not isinstance(p, ToolResult | ToolCall | Reasoning)]
        calls = [_call(c) for c in message.tool_calls]
        if others or calls or not results:
            entry: dict[str, Any] = {"role": message.role, "content": _content(others)}
            if calls:
                entry |= {"tool_calls": calls, "content": entry["content"] or None}
            wire.append(entry)
        wire.extend({"role": "tool", "tool_call_id": r.id, "content": r.text} for r in results)
    return wire


def _content(parts: Sequence[Any]) -> Any:
    if all(isinstance(p, Text) for p in parts):
        return "\n".join(p.text for p in parts)
    return [_part(p) for p in parts]


def _part(part: Any) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image():
            url = part.url or f"data:{part.media_type};base64,{part.data}"
            return {"type": "image_url", "image_url": {"url": url}}
        case Audio():
            form = part.media_type.rpartition("/")[2].removeprefix("x-")
            sound = {"data": part.data, "format": {"mpeg": "mp3"}.get(form, form)}
            return {"type": "input_audio", "input_audio": sound}
        case _:
            raise TargetError(f"a {type(part).__name__} cannot be sent to a chat-completions endpoint")


def _call(call: ToolCall) -> dict[str, Any]:
    arguments = json.dumps(call.arguments, ensure_ascii=False)
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the wire form of "answer in this JSON schema"."""
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": dict(schema)}}


def from_wire(body: Any) -> tuple[Reply, str]:
    """Read a chat completion.

    Returns:
        The reply, and the wire's own finish reason (the caller decides what ``content_filter`` means).

    Raises:
        TargetError: the body is not a chat completion. The message carries no text of the answer.
    """
    try:
        choice = body["choices"][0]
        message = choice["message"]
        reason = str(choice.get("finish_reason") or "stop")
        parts: list[Any] = []
        if text := _spoken(message.get("content")) or str(message.get("refusal") or ""):
            parts.append(Text(text))
        parts += [_read_call(c) for c in message.get("tool_calls") or ()]
        usage = body.get("usage") or {}
        return Reply(
            messages=(Message("assistant", tuple(parts) or (Text(""),)),),
            usage=Usage(int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0)),
            finish="length" if reason == "length" else "tool_calls" if message.get("tool_calls") else "stop",
            model=str(body.get("model") or ""),
        ), reason
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise TargetError(f"the answer is not a chat completion ({type(error).__name__} while reading it)") from None


def _spoken(content: Any) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    # Some endpoints answer with a list of parts, as they are asked.
    return "\n".join(p["text"] for p in content if p.get("type") in ("text", "output_text"))


def _read_call(call: Any) -> ToolCall:
    function = call["function"]
    arguments = function.get("arguments") or "{}"
    parsed = json.loads(arguments) if isinstance(arguments, str) else arguments
    if not isinstance(parsed, dict):
        raise ValueError("tool arguments are not an object")
    return ToolCall(str(call.get("id") or ""), str(function["name"]), parsed)
