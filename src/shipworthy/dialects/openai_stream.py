"""A chat completion that arrives as a stream: pieces out as they come, the whole reply at the end."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from shipworthy.core.errors import TargetError, TargetFiltered
from shipworthy.core.records import Delta, Reasoning, Reply, Text, ToolCall
from shipworthy.dialects.openai import MISSHAPEN, from_wire, is_filtered
from shipworthy.net.answer import error_kind

_CHANNELS = (
    ("reasoning_content", "reasoning"),
    ("reasoning", "reasoning"),
    ("content", "text"),
    ("refusal", "refusal"),
)


class Completion:
    """Puts a streamed completion together.

    Endpoints differ, and what is known of them is borne: no usage, no ``[DONE]``, ``[DONE]`` but no finish reason,
    calls without index or all with index 0, a whole call in one piece, arguments as an object, the older
    ``function_call``.

    Attributes:
        done: the endpoint said that nothing follows.
        finish: the wire's finish reason of the first choice; empty until it is said.
        usage: the wire's usage object, if it came.
    """

    def __init__(self) -> None:
        self.done, self.finish = False, ""
        self.usage: Mapping[str, Any] | None = None
        self._model, self._began, self._characters = "", False, 0
        self._said: dict[str, list[str]] = {"reasoning": [], "text": [], "refusal": []}
        self._calls: list[_Call] = []

    def take(self, data: str) -> list[Delta]:
        """Take the data of one event and return the pieces in it.

        Raises:
            TargetFiltered: the provider's filter stopped the answer with an error.
            TargetError: an error in mid-stream, or data that is no piece of a completion. No message carries text.
        """
        if self.done:
            return []
        if data.strip() == "[DONE]":
            self.done = True
            return []
        try:
            chunk = json.loads(data)
            if chunk.get("error"):
                raise _error(chunk, self._characters)
            self._model = str(chunk.get("model") or self._model)
            self.usage = chunk.get("usage") or self.usage
            found = [delta for choice in chunk.get("choices") or () for delta in self._choice(choice)]
            # Half a surrogate pair is no text that could be kept, sent on or hashed.
            "".join(f"{d.text}{d.id}{d.name}" for d in found).encode()
        except MISSHAPEN as error:
            raise TargetError(
                f"the stream is not a chat completion ({type(error).__name__} while reading it, "
                f"after {self._characters} characters)"
            ) from None
        self._characters += sum(len(delta.text) for delta in found)
        return found

    def reply(self) -> Reply:
        """Return the whole reply: what `from_wire` would have read from the same answer in one piece.

        Raises:
            TargetError: the stream ended before the answer did, or is no answer.
        """
        if not self._began or not (self.finish or self.done):
            raise TargetError(f"the stream ended in mid-answer, after {self._characters} characters")
        said = {name: "".join(pieces) for name, pieces in self._said.items()}
        # In the order of their index, which need not be the one in which they began.
        calls = sorted((c for c in self._calls if c.choice == 0), key=lambda c: c.position)
        message = {
            "content": said["text"],
            "refusal": said["refusal"],
            "reasoning": said["reasoning"],
            "tool_calls": [call.wire() for call in calls],
        }
        choice = {"message": message, "finish_reason": self.finish}
        return from_wire({"choices": [choice], "usage": self.usage, "model": self._model})

    def _choice(self, choice: Mapping[str, Any]) -> Iterator[Delta]:
        number = int(choice.get("index") or 0)
        first = number == 0
        if first:
            self._began = True
            self.finish = str(choice.get("finish_reason") or self.finish)
        delta = choice.get("delta") or {}
        thought = False
        for field, channel in _CHANNELS:
            text = delta.get(field)
            # Some endpoints send the same reasoning under both names.
            if not text or (channel == "reasoning" and thought):
                continue
            thought = thought or channel == "reasoning"
            for text_channel, piece in _pieces(text, channel):
                if first:
                    self._said[text_channel].append(piece)
                yield Delta(piece, text_channel, number)  # type: ignore[arg-type]
        for call in delta.get("tool_calls") or ():
            yield self._call(number, call)
        if old := delta.get("function_call"):
            yield self._call(number, {"index": -1, "function": old})

    def _call(self, choice: int, wire: Mapping[str, Any]) -> Delta:
        """Take a piece of a call. A delta's index is the wire's, unless another call has it already."""
        function = wire.get("function") or {}
        mine = [c for c in self._calls if c.choice == choice]
        name, id_, index = str(function.get("name") or ""), str(wire.get("id") or ""), wire.get("index")
        call = next((c for c in reversed(mine) if c.index == index), None) if index is not None else None
        if index is None and mine and not (id_ and id_ != mine[-1].id) and not name:
            call = mine[-1]
        # Several calls under one index: each brings a name and an id of its own.
        if call is None or (name and id_ and id_ != call.id):
            taken = [c.position for c in self._calls]
            free = isinstance(index, int) and index >= 0 and index not in taken
            position = int(index) if free and index is not None else max(taken, default=-1) + 1
            call = _Call(choice, index, id_, name, position)
            self._calls.append(call)
            begins = True
        else:
            begins = False
            call.id, call.name = call.id or id_, call.name or name
        arguments = function.get("arguments")
        piece = arguments if isinstance(arguments, str) else json.dumps(arguments) if arguments else ""
        call.pieces.append(piece)
        return Delta(piece, "tool_call", call.position, call.id if begins else "", call.name if begins else "")


class _Call:
    """A tool call that is arriving."""

    def __init__(self, choice: int, index: Any, id_: str, name: str, position: int) -> None:
        self.choice, self.index, self.id, self.name, self.position = choice, index, id_, name, position
        self.pieces: list[str] = []

    def wire(self) -> dict[str, Any]:
        return {"id": self.id, "function": {"name": self.name, "arguments": "".join(self.pieces)}}


def deltas(reply: Reply) -> Iterator[Delta]:
    """Yield the pieces of a reply that arrived whole, for who asked for a stream."""
    calls = 0
    for message in reply.messages:
        for part in message.parts:
            match part:
                case Text(text):
                    yield Delta(text)
                case Reasoning(text):
                    yield Delta(text, "reasoning")
                case ToolCall():
                    yield Delta(json.dumps(part.arguments, ensure_ascii=False), "tool_call", calls, part.id, part.name)
                    calls += 1


def _pieces(value: Any, channel: str) -> Iterator[tuple[str, str]]:
    """Yield channel and text of a delta's field: a text, or a list of parts (Mistral's thinking models)."""
    if isinstance(value, str):
        yield channel, value
        return
    for part in value:
        if part.get("type") in ("thinking", "reasoning"):
            inner = part.get("thinking") or ""
            yield "reasoning", inner if isinstance(inner, str) else "".join(p.get("text", "") for p in inner)
        elif isinstance(text := part.get("text"), str):
            yield channel, text


def _error(chunk: Mapping[str, Any], characters: int) -> TargetError:
    after = f"after {characters} characters"
    if is_filtered(chunk):
        return TargetFiltered(f"the provider's filter stopped the answer {after}")
    kind = error_kind(chunk["error"])
    return TargetError(f"the endpoint broke off its answer with an error{f' ({kind})' if kind else ''}, {after}")
