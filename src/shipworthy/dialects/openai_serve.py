"""The server's side of OpenAI chat completions: requests in, answers out, whole or in pieces.

An answer is made anew from what guards released. Nothing of the upstream's own bytes is passed on: an identifier, a
fingerprint, log probabilities or a field that nobody knows cannot carry what no guard has seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.core.records import (
    Audio,
    Delta,
    Image,
    Message,
    MessagePart,
    Reasoning,
    Role,
    Text,
    ToolCall,
    ToolResult,
    Usage,
)
from shipworthy.dialects.served import MOST_CHOICES, Asking, BadBody, model_of, named, refuse_unknown

_PASSED_WORDS = (
    "temperature top_p max_tokens max_completion_tokens stop seed presence_penalty frequency_penalty "
    "logit_bias response_format parallel_tool_calls reasoning_effort verbosity service_tier user metadata "
    "store safety_identifier prompt_cache_key"
)
PASSED = frozenset(_PASSED_WORDS.split())
"""Fields that go to the upstream as they are: they shape the answer, which is looked at all the same."""
_READ_WORDS = "model messages stream stream_options n tools tool_choice functions function_call"
_READ = frozenset(_READ_WORDS.split())
_NULL_WORDS = "logprobs top_logprobs audio modalities prediction web_search_options"
_NULL = frozenset(_NULL_WORDS.split())
"""Fields that may only say nothing: what they ask for is no text that guards could look at."""


def read(body: Any, also: Sequence[str] = ()) -> Asking:
    """Read a request.

    Args:
        also: further fields that the upstream is sent.

    Raises:
        BadBody: it is none, or asks for what is not served.
    """
    if not isinstance(body, dict):
        raise BadBody("the body is no JSON object")
    for name in _NULL - set(also):
        value = body.get(name)
        if value not in (None, False, 0) and value != ["text"]:
            raise BadBody(f"{name} is not served: guards cannot look at what it would bring", name)
    refuse_unknown(body, PASSED | _READ | _NULL, also)
    model = model_of(body)
    choices = named(body, "n", int, 1)
    if not 1 <= choices <= MOST_CHOICES:
        raise BadBody(f"n is from 1 to {MOST_CHOICES}", "n")
    options = named(body, "stream_options", dict, {})
    fields = {name: body[name] for name in (*PASSED, *also) if body.get(name) is not None}
    fields |= {"n": choices} if choices > 1 else {}
    legacy = bool(body.get("functions"))
    return Asking(
        model=model,
        messages=tuple(_messages(named(body, "messages", list, []))),
        fields={**fields, **_tools(body)},
        stream=named(body, "stream", bool, False),
        choices=choices,
        usage=bool(options.get("include_usage")),
        legacy=legacy,
    )


def _tools(body: Mapping[str, Any]) -> dict[str, Any]:
    tools, old = named(body, "tools", list, []), named(body, "functions", list, [])
    for tool in tools:
        if not isinstance(tool, dict) or tool.get("type") != "function" or not isinstance(tool.get("function"), dict):
            raise BadBody("only tools of the type function are served", "tools")
    tools = [*tools, *({"type": "function", "function": function} for function in old)]
    if not tools:
        return {}
    choice, older = body.get("tool_choice"), body.get("function_call")
    if isinstance(older, dict):
        choice = {"type": "function", "function": older}
    elif older is not None:
        choice = older
    return {"tools": tools, **({"tool_choice": choice} if choice is not None else {})}


def _messages(wire: Sequence[Any]) -> Iterator[Message]:
    if not wire:
        raise BadBody("messages is empty", "messages")
    called = ""
    for number, message in enumerate(wire):
        where = f"messages[{number}]"
        if not isinstance(message, dict):
            raise BadBody(f"{where} is no object", where)
        role = message.get("role")
        content = message.get("content")
        if role in ("system", "developer", "user"):
            said: Role = "user" if role == "user" else "system"
            yield Message(said, tuple(_parts(content, where, user=role == "user")) or (Text(""),))
        elif role == "assistant":
            made = message.get("tool_calls") or []
            if not isinstance(made, list):
                raise BadBody(f"{where}.tool_calls is no list", f"{where}.tool_calls")
            calls = [_call(call, f"{where}.tool_calls") for call in made]
            if old := message.get("function_call"):
                called = f"call_{number}"
                calls.append(_call({"id": called, "function": old}, f"{where}.function_call"))
            refusal = message.get("refusal")
            spoken = [*_parts(content, where), *([Text(refusal)] if isinstance(refusal, str) and refusal else [])]
            yield Message("assistant", (*spoken, *calls) or (Text(""),))
        elif role in ("tool", "function"):
            id_ = called if role == "function" else message.get("tool_call_id")
            if not isinstance(id_, str) or not id_:
                raise BadBody(f"{where} answers no call: its tool_call_id is missing", where)
            name = message.get("name")
            texts = [part.text for part in _parts(content, where) if isinstance(part, Text)]
            yield Message("tool", (ToolResult(id_, name if isinstance(name, str) else "", "\n".join(texts)),))
        else:
            raise BadBody(f"{where} has a role that is not served", f"{where}.role")


def _parts(content: Any, where: str, *, user: bool = False) -> Iterator[MessagePart]:
    if content is None:
        return
    if isinstance(content, str):
        yield Text(content)
        return
    if not isinstance(content, list):
        raise BadBody(f"{where}.content is neither a text nor a list", f"{where}.content")
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        inner = part.get(kind) if isinstance(kind, str) else None
        if kind in ("text", "refusal") and isinstance(inner, str):
            yield Text(inner)
        elif kind == "image_url" and user and isinstance(inner, dict) and isinstance(inner.get("url"), str):
            yield Image("image/*", url=inner["url"])
        elif kind == "input_audio" and user and isinstance(inner, dict) and isinstance(inner.get("data"), str):
            form = inner.get("format")
            yield Audio(f"audio/{form if isinstance(form, str) else 'wav'}", inner["data"])
        else:
            raise BadBody(f"{where}.content holds a part that is not served", f"{where}.content")


def _call(call: Any, where: str) -> ToolCall:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise BadBody(f"{where} holds a call that is not of a function", where)
    id_, written = call.get("id"), function.get("arguments") or "{}"
    try:
        arguments = msgspec.json.decode(written)
    except (msgspec.DecodeError, TypeError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict) or not isinstance(id_, str) or not id_:
        raise BadBody(f"{where} holds a call without an id, or whose arguments are no JSON object", where)
    return ToolCall(id_, function["name"], arguments)


# ---- out -------------------------------------------------------------------------------------------------------


def error(message: str, kind: str, field: str = "", code: str = "") -> dict[str, Any]:
    """Return an error as OpenAI's API writes it."""
    return {"error": {"message": message, "type": kind, "param": field or None, "code": code or None}}


def broken(message: str, kind: str, code: str = "") -> bytes:
    """Return the event that says in a stream that the answer broke off."""
    return b"data: " + msgspec.json.encode(error(message, kind, code=code)) + b"\n\n"


def usage_of(usage: Usage) -> dict[str, int]:
    """Return what an answer took, in the wire's words."""
    total = usage.input_tokens + usage.output_tokens
    return {"prompt_tokens": usage.input_tokens, "completion_tokens": usage.output_tokens, "total_tokens": total}


def _json(arguments: Any) -> str:
    return msgspec.json.encode(arguments).decode()


class OpenAIAnswering:
    """Writes one answer.

    Args:
        id: ours, of the request.
        created: Unix time.
    """

    def __init__(self, asking: Asking, id: str, created: int) -> None:
        self._asking, self._id, self._created = asking, id, created
        self._begun: set[int] = set()
        self._calls: dict[int, list[int]] = {}

    def whole(self, choices: Sequence[Sequence[Message]], finishes: Sequence[str], usage: Usage) -> dict[str, Any]:
        """Return a whole answer.

        Args:
            choices: the messages of each; a second message of one is its refusal.
            finishes: why each ended, in the wire's words.
        """
        made = []
        for number, (messages, finish) in enumerate(zip(choices, finishes, strict=True)):
            parts = messages[0].parts
            message: dict[str, Any] = {"role": "assistant"}
            message["content"] = "\n".join(p.text for p in parts if isinstance(p, Text)) or None
            message["refusal"] = messages[1].text if messages[1:] else None
            if thought := "".join(p.text for p in parts if isinstance(p, Reasoning)):
                message["reasoning_content"] = thought
            calls = [part for part in parts if isinstance(part, ToolCall)]
            if calls and self._asking.legacy:
                message["function_call"] = self._function(calls[0].name, _json(calls[0].arguments))
            elif calls:
                message["tool_calls"] = [
                    {
                        "id": self._call_id(number, place),
                        "type": "function",
                        "function": self._function(call.name, _json(call.arguments)),
                    }
                    for place, call in enumerate(calls)
                ]
            made.append({"index": number, "message": message, "logprobs": None, "finish_reason": finish})
        head = {"id": self._id, "object": "chat.completion", "created": self._created, "model": self._asking.model}
        return {**head, "choices": made, "usage": usage_of(usage)}

    def piece(self, delta: Delta) -> Iterator[bytes]:
        """Yield the events of one piece."""
        if delta.channel != "tool_call":
            name = {"text": "content", "reasoning": "reasoning_content", "refusal": "refusal"}[delta.channel]
            yield self._chunk(delta.index, {**self._role(delta.index), name: delta.text})
            return
        calls = self._calls.setdefault(delta.choice, [])
        if delta.index not in calls:
            calls.append(delta.index)
        place = calls.index(delta.index)
        role = self._role(delta.choice)
        function = self._function(delta.name, delta.text)
        if self._asking.legacy:
            if place == 0:  # the older form has room for one
                yield self._chunk(delta.choice, {**role, "function_call": function})
            return
        call = {"index": place, "id": self._call_id(delta.choice, place), "type": "function", "function": function}
        yield self._chunk(delta.choice, {**role, "tool_calls": [call]})

    def end(self, finishes: Sequence[str], usage: Usage) -> Iterator[bytes]:
        """Yield the last events, one finish reason for each choice."""
        for number, finish in enumerate(finishes):
            yield self._chunk(number, {**self._role(number)}, finish)
        if self._asking.usage:
            yield self._event({"choices": [], "usage": usage_of(usage)})
        yield b"data: [DONE]\n\n"

    def finish(self, choice: int, finish: str, *, calls: bool) -> str:
        """Return a choice's finish reason in the wire's words: ``stop``, ``length``, ``content_filter``, or calls."""
        if finish == "stop" and calls:
            return "function_call" if self._asking.legacy else "tool_calls"
        return finish

    def _role(self, choice: int) -> dict[str, Any]:
        if choice in self._begun:
            return {}
        self._begun.add(choice)
        return {"role": "assistant", "content": ""}

    def _call_id(self, choice: int, place: int) -> str:
        return f"call_{self._id.rpartition('-')[2]}_{choice}_{place}"

    @staticmethod
    def _function(name: str, arguments: str) -> dict[str, str]:
        return {"name": name, "arguments": arguments}

    def _chunk(self, choice: int, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        return self._event({"choices": [{"index": choice, "delta": delta, "finish_reason": finish}]})

    def _event(self, fields: Mapping[str, Any]) -> bytes:
        head = {"id": self._id, "object": "chat.completion.chunk", "created": self._created}
        return b"data: " + msgspec.json.encode({**head, "model": self._asking.model, **fields}) + b"\n\n"
