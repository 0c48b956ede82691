"""The client's side of Anthropic messages: what is asked in chat completions, and what comes back as one.

`anthropic_serve` reads what a client sends into chat completions' words, and this writes it as messages again, with
what guards left of it. An answer is put into the shape of a chat completion, so that one reader looks at both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.core.errors import TargetError
from shipworthy.net.answer import error_within

_OURS = frozenset(
    {"messages", "stop", "tools", "tool_choice", "parallel_tool_calls", "stream_options", "max_completion_tokens"}
)
_STOPS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
_CHOICES = {"auto": "auto", "required": "any", "none": "none"}
_MISSHAPEN = (KeyError, IndexError, TypeError, ValueError, AttributeError)


# ---- out -------------------------------------------------------------------------------------------------------


def body_of(chat: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of a request in messages.

    Args:
        chat: the same in chat completions; fields of other names are passed on as they are.

    Raises:
        TargetError: it holds what messages have no place for, such as a sound.
    """
    made = {name: value for name, value in chat.items() if name not in _OURS}
    said = [message for message in chat["messages"] if message["role"] != "system"]
    system = [message["content"] for message in chat["messages"] if message["role"] == "system"]
    made["messages"] = list(_turns(said))
    made |= {"system": "\n".join(system)} if system else {}
    if stop := chat.get("stop"):
        made["stop_sequences"] = [stop] if isinstance(stop, str) else stop
    if tools := chat.get("tools"):
        made["tools"] = [_tool(tool["function"]) for tool in tools]
        made |= _choice(chat)
    return made


def _tool(function: Mapping[str, Any]) -> dict[str, Any]:
    about = {"description": function["description"]} if function.get("description") else {}
    return {"name": function["name"], **about, "input_schema": function.get("parameters") or {"type": "object"}}


def _choice(chat: Mapping[str, Any]) -> dict[str, Any]:
    wanted, alone = chat.get("tool_choice"), chat.get("parallel_tool_calls") is False
    if isinstance(wanted, Mapping):
        choice = {"type": "tool", "name": wanted["function"]["name"]}
    elif wanted or alone:
        choice = {"type": _CHOICES[str(wanted or "auto")]}
    else:
        return {}
    return {"tool_choice": choice | ({"disable_parallel_tool_use": True} if alone else {})}


def _turns(messages: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the turns: what follows a call is one turn of the user's, its results first."""
    open_: dict[str, Any] | None = None
    for message in messages:
        role = "user" if message["role"] == "tool" else message["role"]
        blocks = list(_blocks(message))
        if open_ is not None and open_["role"] == role == "user":
            open_["content"] += blocks
            continue
        if open_ is not None:
            yield open_
        open_ = {"role": role, "content": blocks}
    if open_ is not None:
        yield open_


def _blocks(message: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    content: Any = message.get("content")
    if message["role"] == "tool":
        yield {"type": "tool_result", "tool_use_id": message["tool_call_id"], "content": content}
        return
    parts: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
    for part in parts:
        if part["type"] == "text":
            if part["text"]:  # the API takes no empty text
                yield {"type": "text", "text": part["text"]}
        elif part["type"] == "image_url":
            yield {"type": "image", "source": _source(part["image_url"]["url"])}
        else:
            raise TargetError("a turn holds what Anthropic's messages have no place for")
    for call in message.get("tool_calls") or ():
        function = call["function"]
        given = msgspec.json.decode(function["arguments"] or "{}")
        yield {"type": "tool_use", "id": call["id"], "name": function["name"], "input": given}


def _source(url: str) -> dict[str, Any]:
    if not url.startswith("data:"):
        return {"type": "url", "url": url}
    head, _, data = url.removeprefix("data:").partition(",")
    return {"type": "base64", "media_type": head.partition(";")[0], "data": data}


# ---- in --------------------------------------------------------------------------------------------------------


def completion_of(body: Any) -> dict[str, Any]:
    """Return a whole answer as a chat completion.

    Raises:
        TargetError: it is none, or holds a block that no guard could look at.
    """
    try:
        thoughts: list[str] = []
        texts: list[str] = []
        calls: list[dict[str, Any]] = []
        for block in body["content"]:
            match block["type"]:
                case "text":
                    texts.append(block["text"])
                case "thinking":
                    thoughts.append(block["thinking"])
                case "redacted_thinking":
                    continue  # for the model alone
                case "tool_use":
                    arguments = msgspec.json.encode(block["input"]).decode()
                    calls.append(_call(len(calls), block["id"], block["name"], arguments))
                case _:
                    raise _unknown()
        message: dict[str, Any] = {"role": "assistant", "content": "".join(texts)}
        message |= {"reasoning_content": "".join(thoughts)} if thoughts else {}
        message |= {"tool_calls": calls} if calls else {}
        finish = _STOPS[body["stop_reason"]]
        choice = {"index": 0, "message": message, "finish_reason": finish}
        return {"model": body.get("model"), "choices": [choice], "usage": _usage(body.get("usage") or {})}
    except _MISSHAPEN as error:
        raise TargetError(f"the upstream's answer is no message ({type(error).__name__} while reading it)") from None


class MessageStream:
    """Puts the events of a streamed answer into those of a chat completion.

    Events that are not known are left out: nothing of them leaves.
    """

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}
        self._calls: dict[int, int] = {}

    def take(self, data: str) -> list[str]:
        """Take the data of one event, and return the data of those that it becomes.

        Raises:
            TargetError: it is no event of a message, or begins a block that no guard could look at.
        """
        try:
            event = msgspec.json.decode(data)
            pieces = list(self._of(event))
        except (*_MISSHAPEN, msgspec.MsgspecError) as error:
            raise TargetError(f"the stream is no message ({type(error).__name__} while reading it)") from None
        return [piece if isinstance(piece, str) else msgspec.json.encode(piece).decode() for piece in pieces]

    def _of(self, event: Mapping[str, Any]) -> Iterator[Any]:
        match event["type"]:
            case "message_start":
                self._usage |= event["message"].get("usage") or {}
                yield _chunk({"role": "assistant", "content": ""})
            case "content_block_start":
                yield from self._begun(int(event["index"]), event["content_block"])
            case "content_block_delta":
                yield from self._delta(int(event["index"]), event["delta"])
            case "message_delta":
                self._usage |= event.get("usage") or {}
                if reason := event["delta"].get("stop_reason"):
                    yield _chunk({}, _STOPS[reason])
            case "message_stop":
                yield {"choices": [], "usage": _usage(self._usage)}
                yield "[DONE]"
            case "error":
                yield {"error": error_within(event) or {"type": "api_error"}}

    def _begun(self, index: int, block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        match block["type"]:
            case "text":
                yield from _spoken("content", block.get("text"))
            case "thinking":
                yield from _spoken("reasoning_content", block.get("thinking"))
            case "redacted_thinking":
                return
            case "tool_use":
                place = self._calls[index] = len(self._calls)
                given = msgspec.json.encode(block["input"]).decode() if block.get("input") else ""
                yield _chunk({"tool_calls": [_call(place, block["id"], block["name"], given)]})
            case _:
                raise _unknown()

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        match delta["type"]:
            case "text_delta":
                yield from _spoken("content", delta["text"])
            case "thinking_delta":
                yield from _spoken("reasoning_content", delta["thinking"])
            case "input_json_delta":
                call = {"index": self._calls[index], "function": {"arguments": delta["partial_json"]}}
                yield _chunk({"tool_calls": [call]})
            case "signature_delta" | "citations_delta":
                return  # beside the words, and not passed on
            case _:
                raise _unknown()


def _unknown() -> TargetError:
    return TargetError("the upstream's answer holds a block that is not known, which no guard can look at")


def _spoken(field: str, text: Any) -> Iterator[dict[str, Any]]:
    if text:
        yield _chunk({field: text})


def _call(place: int, id: str, name: str, arguments: str) -> dict[str, Any]:
    return {"index": place, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}}


def _chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def _usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    cached = sum(int(usage.get(f"cache_{what}_input_tokens") or 0) for what in ("read", "creation"))
    asked, answered = int(usage.get("input_tokens") or 0) + cached, int(usage.get("output_tokens") or 0)
    return {"prompt_tokens": asked, "completion_tokens": answered, "total_tokens": asked + answered}
