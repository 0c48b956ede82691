"""The server's side of Anthropic messages: requests in, answers out, whole or in pieces.

As in `openai_serve`, an answer is made anew from what guards released.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.core.records import (
    Delta,
    Image,
    Message,
    MessagePart,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
    Usage,
    say,
)
from shipworthy.dialects.served import Asking, BadBody, model_of, named, refuse_unknown

_READ_WORDS = (
    "model messages system max_tokens temperature top_p stop_sequences stream tools tool_choice metadata thinking"
)
_READ = frozenset(_READ_WORDS.split())
_KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_STOPS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def read(body: Any, also: Sequence[str] = ()) -> Asking:
    """Read a request.

    Args:
        also: further fields that the upstream is sent.

    Raises:
        BadBody: it is none, or asks for what is not served.
    """
    if not isinstance(body, dict):
        raise BadBody("the body is no JSON object")
    refuse_unknown(body, _READ, also)
    model = model_of(body)
    longest = named(body, "max_tokens", int, 0)
    if longest < 1:
        raise BadBody("max_tokens is missing, or below 1", "max_tokens")
    if named(body, "thinking", dict, {}).get("type", "disabled") not in ("disabled", "adaptive"):
        raise BadBody("thinking with a budget is not served: upstreams are asked in chat completions", "thinking")
    fields: dict[str, Any] = {"max_tokens": longest}
    fields |= {name: body[name] for name in ("temperature", "top_p", *also) if body.get(name) is not None}
    fields |= {"stop": body["stop_sequences"]} if body.get("stop_sequences") else {}
    system = [part.text for part in _parts(body.get("system"), "system") if isinstance(part, Text)]
    messages = list(_messages(named(body, "messages", list, [])))
    return Asking(
        model=model,
        messages=(*([say("system", "\n".join(system))] if system else []), *messages),
        fields={**fields, **_tools(body)},
        stream=named(body, "stream", bool, False),
        usage=True,
    )


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    made = []
    for tool in named(body, "tools", list, []):
        if not isinstance(tool, dict) or not isinstance(tool.get("name"), str) or "input_schema" not in tool:
            raise BadBody("only tools with an input_schema are served", "tools")
        function = {"name": tool["name"], "parameters": tool["input_schema"]}
        function |= {"description": tool["description"]} if tool.get("description") else {}
        made.append({"type": "function", "function": function})
    if not made:
        return {}
    choice = named(body, "tool_choice", dict, {})
    words: dict[Any, Any] = {"auto": "auto", "any": "required", "none": "none"}
    chosen = {"type": "function", "function": {"name": choice.get("name")}}
    wanted = chosen if choice.get("type") == "tool" else words.get(choice.get("type"))
    parallel = {"parallel_tool_calls": False} if choice.get("disable_parallel_tool_use") else {}
    return {"tools": made, **({"tool_choice": wanted} if wanted else {}), **parallel}


def _messages(wire: Sequence[Any]) -> Iterator[Message]:
    if not wire:
        raise BadBody("messages is empty", "messages")
    for number, message in enumerate(wire):
        where = f"messages[{number}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("user", "assistant"):
            raise BadBody(f"{where} has a role that is not served", f"{where}.role")
        parts = list(_parts(message.get("content"), where, role=role))
        if results := tuple(part for part in parts if isinstance(part, ToolResult)):
            yield Message("tool", results)
        said = tuple(part for part in parts if not isinstance(part, ToolResult))
        if said or not results:
            yield Message(role, said or (Text(""),))


def _parts(content: Any, where: str, *, role: str = "system") -> Iterator[MessagePart]:
    if content is None:
        return
    if isinstance(content, str):
        yield Text(content)
        return
    if not isinstance(content, list):
        raise BadBody(f"{where} has content that is neither a text nor a list", where)
    for block in content:
        kind = block.get("type") if isinstance(block, dict) else None
        if kind == "text" and isinstance(block.get("text"), str):
            yield Text(block["text"])
        elif kind in ("thinking", "redacted_thinking") and role == "assistant":
            continue  # the API that upstreams are asked in takes none back
        elif kind == "tool_use" and role == "assistant" and isinstance(block.get("input"), dict):
            yield ToolCall(_word(block, "id", where), _word(block, "name", where), block["input"])
        elif kind == "tool_result" and role == "user":
            inner = [part.text for part in _parts(block.get("content"), where) if isinstance(part, Text)]
            error = block.get("is_error") is True
            yield ToolResult(_word(block, "tool_use_id", where), "", "\n".join(inner), is_error=error)
        elif kind == "image" and role == "user" and (picture := _picture(block.get("source"))):
            yield picture
        else:
            raise BadBody(f"{where} holds a block that is not served", where)


def _word(block: Mapping[str, Any], name: str, where: str) -> str:
    value = block.get(name)
    if not isinstance(value, str) or not value:
        raise BadBody(f"{where} holds a block without {name}", where)
    return value


def _picture(source: Any) -> Image | None:
    if not isinstance(source, dict):
        return None
    if source.get("type") == "base64" and isinstance(source.get("data"), str):
        return Image(str(source.get("media_type") or "image/png"), data=source["data"])
    return Image("image/*", url=source["url"]) if isinstance(source.get("url"), str) else None


# ---- out -------------------------------------------------------------------------------------------------------


def error(message: str, status: int) -> dict[str, Any]:
    """Return an error as Anthropic's API writes it."""
    kind = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message}}


def broken(message: str, status: int) -> bytes:
    """Return the event that says in a stream that the answer broke off."""
    return _event(error(message, status))


class AnthropicAnswering:
    """Writes one answer.

    Args:
        id: ours, of the request.
    """

    def __init__(self, asking: Asking, id: str) -> None:
        self._asking, self._id = asking, id
        self._block, self._kind, self._calls = -1, "", 0
        self._begun, self._closed = False, True

    def whole(self, choices: Sequence[Sequence[Message]], finishes: Sequence[str], usage: Usage) -> dict[str, Any]:
        """Return a whole answer; arguments as for `openai_serve.Answering.whole`."""
        blocks: list[dict[str, Any]] = []
        calls = 0
        for message in choices[0]:
            for part in message.parts:
                if isinstance(part, Reasoning):
                    blocks.append({"type": "thinking", "thinking": part.text, "signature": ""})
                elif isinstance(part, Text) and part.text:
                    blocks.append({"type": "text", "text": part.text})
                elif isinstance(part, ToolCall):
                    block = {"type": "tool_use", "id": self._call_id(calls), "name": part.name, "input": part.arguments}
                    blocks.append(block)
                    calls += 1
        return {
            **self._head(),
            "content": blocks,
            "stop_reason": finishes[0],
            "stop_sequence": None,
            "usage": {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens},
        }

    def piece(self, delta: Delta) -> Iterator[bytes]:
        """Yield the events of one piece."""
        yield from self._begin()
        if delta.channel == "tool_call":
            yield from self._close()
            block = {"type": "tool_use", "id": self._call_id(self._calls), "name": delta.name, "input": {}}
            self._calls += 1
            yield from self._start("", block)
            yield self._delta({"type": "input_json_delta", "partial_json": delta.text})
            yield from self._close()
            return
        kind = "thinking" if delta.channel == "reasoning" else "text"
        if self._kind != kind:
            yield from self._close()
            block = {"type": kind, kind: "", **({"signature": ""} if kind == "thinking" else {})}
            yield from self._start(kind, block)
        yield self._delta({"type": f"{kind}_delta", kind: delta.text})

    def end(self, finishes: Sequence[str], usage: Usage) -> Iterator[bytes]:
        """Yield the last events."""
        yield from self._begin()
        yield from self._close()
        tokens = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens}
        stop = {"stop_reason": finishes[0] if finishes else "end_turn", "stop_sequence": None}
        yield _event({"type": "message_delta", "delta": stop, "usage": tokens})
        yield _event({"type": "message_stop"})

    def finish(self, choice: int, finish: str, *, calls: bool) -> str:
        """Return a finish reason in the wire's words."""
        return "tool_use" if finish == "stop" and calls else _STOPS[finish]

    def _begin(self) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            usage = {"input_tokens": 0, "output_tokens": 0}
            head = {**self._head(), "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
            yield _event({"type": "message_start", "message": head})

    def _start(self, kind: str, block: Mapping[str, Any]) -> Iterator[bytes]:
        self._block, self._kind, self._closed = self._block + 1, kind, False
        yield _event({"type": "content_block_start", "index": self._block, "content_block": block})

    def _close(self) -> Iterator[bytes]:
        if not self._closed:
            self._closed, self._kind = True, ""
            yield _event({"type": "content_block_stop", "index": self._block})

    def _delta(self, delta: Mapping[str, Any]) -> bytes:
        return _event({"type": "content_block_delta", "index": self._block, "delta": delta})

    def _head(self) -> dict[str, Any]:
        return {"id": self._id, "type": "message", "role": "assistant", "model": self._asking.model}

    def _call_id(self, number: int) -> str:
        return f"toolu_{self._id.removeprefix('msg_')}_{number}"


def _event(value: Mapping[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (str(value["type"]).encode(), msgspec.json.encode(value))
