"""Answers as OpenAI responses: items of an output, whole or as the events by which they grow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec

from shipworthy.core.records import Delta, Message, Reasoning, Text, ToolCall, Usage
from shipworthy.dialects.served import Asking

_PART = Literal["output_text", "refusal", "reasoning_text"]
_CHANNELS: dict[str, _PART] = {"text": "output_text", "refusal": "refusal", "reasoning": "reasoning_text"}
_ENDS = {"stop": "completed", "length": "max_output_tokens", "content_filter": "content_filter"}


class _Growing:
    """A message or a piece of reasoning that is being written; both have parts of text.

    Attributes:
        place: of the item in the output.
        parts: kind -> what is said of it so far, in the order in which they began.
    """

    def __init__(self, kind: Literal["message", "reasoning"], id: str, place: int) -> None:
        self.kind, self.id, self.place = kind, id, place
        self.parts: dict[_PART, list[str]] = {}

    def item(self, status: str) -> dict[str, Any]:
        """Return it as it is now."""
        content = [_part(kind, "".join(pieces)) for kind, pieces in self.parts.items()]
        if self.kind == "reasoning":
            return {"id": self.id, "type": "reasoning", "summary": [], "content": content, "status": status}
        return {"id": self.id, "type": "message", "role": "assistant", "content": content, "status": status}


class ResponsesAnswering:
    """Writes one answer.

    Items grow side by side: what guards held back of one may leave when another has begun. Each event names its item.

    Args:
        id: ours, of the request, 32 hex digits.
        created: Unix time.
    """

    def __init__(self, asking: Asking, id: str, created: int) -> None:
        self._asking, self._id, self._created = asking, id, created
        self._number = -1
        self._begun = False
        self._growing: dict[str, _Growing] = {}
        self._done: dict[int, dict[str, Any]] = {}
        self._calls = 0

    def whole(self, choices: Sequence[Sequence[Message]], finishes: Sequence[str], usage: Usage) -> dict[str, Any]:
        """Return a whole answer; arguments as for `openai_serve.OpenAIAnswering.whole`."""
        calls: list[ToolCall] = []
        for number, message in enumerate(choices[0]):
            for part in message.parts:
                if isinstance(part, ToolCall):
                    calls.append(part)
                elif isinstance(part, Reasoning) and part.text:
                    self._grow("reasoning", part.text)
                elif isinstance(part, Text) and part.text:
                    said = self._grow("refusal" if number else "text", "")
                    said.append(f"\n{part.text}" if said else part.text)
        status = "completed" if finishes[0] == "completed" else "incomplete"
        self._settle(status)
        for call in calls:
            place = self._place()
            self._done[place] = self._call(self._next_call(), call.name, _json(call.arguments))
        return self._response(finishes[0], usage)

    def piece(self, delta: Delta) -> Iterator[bytes]:
        """Yield the events of one piece."""
        yield from self._begin()
        if delta.channel == "tool_call":
            yield from self._called(delta)
            return
        kind = _CHANNELS[delta.channel]
        yield from self._open(delta.channel, kind)
        growing = self._growing["reasoning" if kind == "reasoning_text" else "message"]
        self._grow(delta.channel, delta.text)
        yield self._event(f"response.{kind}.delta", **_at(growing, kind), delta=delta.text, **_more(kind))

    def end(self, finishes: Sequence[str], usage: Usage) -> Iterator[bytes]:
        """Yield the last events."""
        yield from self._begin()
        finish = finishes[0] if finishes else "completed"
        status = "completed" if finish == "completed" else "incomplete"
        for growing in self._growing.values():
            for kind, pieces in growing.parts.items():
                text, at = "".join(pieces), _at(growing, kind)
                name = "refusal" if kind == "refusal" else "text"
                yield self._event(f"response.{kind}.done", **at, **{name: text}, **_more(kind))
                yield self._event("response.content_part.done", **at, part=_part(kind, text))
            yield self._event("response.output_item.done", output_index=growing.place, item=growing.item(status))
        self._settle(status)
        yield self._event(f"response.{status}", response=self._response(finish, usage))

    def failed(self, message: str, kind: str, code: str = "") -> bytes:
        """Return the events that say that the answer broke off."""
        self._settle("incomplete")
        told = self._response("failed", None) | {"error": {"code": code or kind, "message": message}}
        return b"".join([*self._begin(), self._event("response.failed", response=told)])

    def finish(self, choice: int, finish: str, *, calls: bool) -> str:
        """Return why an answer ended in the wire's words: ``completed``, or why it is incomplete."""
        return _ENDS[finish]

    # ---- items -----------------------------------------------------------------------------------------------------

    def _grow(self, channel: str, text: str) -> list[str]:
        """Return the pieces of a part, with one more; item and part are made where they are not there."""
        kind: Literal["message", "reasoning"] = "reasoning" if channel == "reasoning" else "message"
        if kind not in self._growing:
            prefix = {"message": "msg", "reasoning": "rs"}[kind]
            self._growing[kind] = _Growing(kind, f"{prefix}_{self._id}", self._place())
        pieces = self._growing[kind].parts.setdefault(_CHANNELS[channel], [])
        if text:
            pieces.append(text)
        return pieces

    def _place(self) -> int:
        return len(self._growing) + len(self._done)

    def _settle(self, status: str) -> None:
        """Take in that nothing grows any more."""
        for growing in self._growing.values():
            self._done[growing.place] = growing.item(status)
        self._growing = {}

    def _call(self, number: int, name: str, arguments: str, status: str = "completed") -> dict[str, Any]:
        call = {"id": f"fc_{self._id}_{number}", "type": "function_call", "call_id": f"call_{self._id}_{number}"}
        return {**call, "name": name, "arguments": arguments, "status": status}

    def _next_call(self) -> int:
        self._calls += 1
        return self._calls - 1

    # ---- events ----------------------------------------------------------------------------------------------------

    def _begin(self) -> Iterator[bytes]:
        if not self._begun:
            self._begun = True
            yield self._event("response.created", response=self._response("in_progress", None))
            yield self._event("response.in_progress", response=self._response("in_progress", None))

    def _open(self, channel: str, kind: _PART) -> Iterator[bytes]:
        """Yield what begins an item and a part of it, where they are new."""
        item = "reasoning" if kind == "reasoning_text" else "message"
        new_item = item not in self._growing
        new_part = new_item or kind not in self._growing[item].parts
        if new_item:
            self._grow(channel, "")
            growing = self._growing[item]
            empty = {**growing.item("in_progress"), "content": []}
            yield self._event("response.output_item.added", output_index=growing.place, item=empty)
        self._grow(channel, "")
        if new_part:
            growing = self._growing[item]
            yield self._event("response.content_part.added", **_at(growing, kind), part=_part(kind, ""))

    def _called(self, delta: Delta) -> Iterator[bytes]:
        """Yield a call, which is whole."""
        place, number = self._place(), self._next_call()
        begun = self._call(number, delta.name, "", "in_progress")
        self._done[place] = made = self._call(number, delta.name, delta.text)
        at = {"item_id": made["id"], "output_index": place}
        yield self._event("response.output_item.added", output_index=place, item=begun)
        yield self._event("response.function_call_arguments.delta", **at, delta=delta.text)
        told = {"name": delta.name, "arguments": delta.text}
        yield self._event("response.function_call_arguments.done", **at, **told)
        yield self._event("response.output_item.done", output_index=place, item=made)

    def _event(self, kind: str, **fields: Any) -> bytes:
        self._number += 1
        value = {"type": kind, "sequence_number": self._number, **fields}
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode(value))

    def _response(self, finish: str, usage: Usage | None) -> dict[str, Any]:
        """Return the answer as it is now. What the request said is not repeated."""
        incomplete = finish in ("max_output_tokens", "content_filter")
        parallel = self._asking.fields.get("parallel_tool_calls")
        return {
            "id": f"resp_{self._id}",
            "object": "response",
            "created_at": self._created,
            "status": "incomplete" if incomplete else finish,
            "error": None,
            "incomplete_details": {"reason": finish} if incomplete else None,
            "instructions": None,
            "metadata": {},
            "model": self._asking.model,
            "output": [item for _, item in sorted(self._done.items())],
            "parallel_tool_calls": parallel is not False,
            "store": False,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage_of(usage) if usage is not None else None,
        }


def usage_of(usage: Usage) -> dict[str, Any]:
    """Return what an answer took, in the wire's words."""
    return {
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": usage.input_tokens + usage.output_tokens,
    }


def _part(kind: _PART, text: str) -> dict[str, Any]:
    if kind == "refusal":
        return {"type": kind, "refusal": text}
    more: dict[str, Any] = {"annotations": [], "logprobs": []} if kind == "output_text" else {}
    return {"type": kind, "text": text, **more}


def _at(growing: _Growing, kind: _PART) -> dict[str, Any]:
    place = list(growing.parts).index(kind)
    return {"item_id": growing.id, "output_index": growing.place, "content_index": place}


def _more(kind: _PART) -> Mapping[str, Any]:
    return {"logprobs": []} if kind == "output_text" else {}


def _json(arguments: Any) -> str:
    return msgspec.json.encode(arguments).decode()
