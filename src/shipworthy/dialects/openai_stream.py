"""A chat completion that arrives as a stream: pieces out as they come, the whole reply at the end."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from shipworthy.core.errors import TargetError, TargetFiltered
from shipworthy.core.records import Delta, Reasoning, Reply, Text, ToolCall
from shipworthy.dialects.openai import MISSHAPEN, THOUGHTS, finish_of, from_wire, is_filtered, part_of, text_of
from shipworthy.net.answer import error_kind, error_within

_HIGH = re.compile("[\ud800-\udbff]$")
"""The first half of a surrogate pair: its other half may come with the next piece."""


_SHORT = 100
"""Characters of the data that may say that nothing follows."""
_GOES_ON = frozenset({"index", "delta", "finish_reason", "logprobs"})
"""Keys of a choice that says no more than its next words, where it has no finish reason."""
_WORDS = frozenset({"content", "role"})


class Completion:
    """Puts a streamed completion together.

    Endpoints differ, and what is known of them is borne: no usage, no ``[DONE]``, ``[DONE]`` but no finish reason,
    calls without index or all with index 0, a whole call in one piece, arguments as an object, the older
    ``function_call``.

    Attributes:
        done: the endpoint said that nothing follows.
        finishes: the wire's finish reason of each choice that has said one.
        usage: the wire's usage object, if it came.
    """

    def __init__(self) -> None:
        self.done = False
        self.finishes: dict[int, str] = {}
        self.usage: Mapping[str, Any] | None = None
        self._model, self._fingerprint, self._characters = "", "", 0
        self._said: dict[int, dict[str, list[str]]] = {}
        self._calls: list[_Call] = []
        self._halves: dict[tuple[str, int], str] = {}

    def take(self, data: str) -> list[Delta]:
        """Take the data of one event and return the pieces in it.

        Raises:
            TargetFiltered: the provider's filter stopped the answer with an error.
            TargetError: an error in mid-stream, or data that is no piece of a completion. No message carries text.
        """
        if self.done:
            return []
        if len(data) < _SHORT and data.strip() == "[DONE]":
            self.done = True
            return []
        found: list[Delta] = []
        try:
            chunk = _read(data)
            # A sentence and no choices: what an event called "error" brings.
            told = "choices" not in chunk and any(isinstance(chunk.get(k), str) for k in ("message", "msg", "detail"))
            if error := error_within(chunk) or (chunk if told else None):
                raise _error(error, self._characters)
            self._model = str(chunk.get("model") or self._model)
            self._fingerprint = str(chunk.get("system_fingerprint") or self._fingerprint)
            self.usage = chunk.get("usage") or self.usage
            for choice in chunk.get("choices") or ():
                self._choice(choice, found)
        except MISSHAPEN as error:
            raise TargetError(
                f"the stream is not a chat completion ({type(error).__name__} while reading it, "
                f"after {self._characters} characters)"
            ) from None
        for delta in found:
            self._characters += len(delta.text)
        return found

    @property
    def finish(self) -> str:
        """The wire's finish reason of the first choice; empty until it is said."""
        return self.finishes.get(0, "")

    @property
    def choices(self) -> list[int]:
        """The choices that have begun, in order."""
        return sorted(self._said)

    def reply(self, choice: int = 0) -> Reply:
        """Return the whole reply of a choice: what `from_wire` would have read from the same answer in one piece.

        Raises:
            TargetError: the stream ended before the answer did, or is no answer.
        """
        finish = self.finishes.get(choice, "")
        if choice not in self._said or not (finish or self.done):
            raise TargetError(f"the stream ended in mid-answer, after {self._characters} characters")
        lost = {channel: "\ufffd" for channel, index in self._halves if index == choice}
        said = {name: "".join(pieces) + lost.get(name, "") for name, pieces in self._said[choice].items()}
        # In the order of their index, which need not be the one in which they began.
        calls = sorted((c for c in self._calls if c.choice == choice), key=lambda c: c.position)
        message = {
            "content": said["text"],
            "refusal": said["refusal"],
            "reasoning": said["reasoning"],
            "tool_calls": [call.wire() for call in calls],
        }
        wire = {"message": message, "finish_reason": finish}
        told = {"model": self._model, "system_fingerprint": self._fingerprint}
        return from_wire({"choices": [wire], "usage": self.usage, **told})

    def _choice(self, choice: Mapping[str, Any], found: list[Delta]) -> None:
        number = int(choice.get("index") or 0)
        if (kept := self._said.get(number)) is None:
            kept = self._said[number] = {"reasoning": [], "text": [], "refusal": []}
        if not _GOES_ON.issuperset(choice) or choice.get("finish_reason"):
            told = choice.get("error")
            if told and (error := error_within({"error": told, "choices": [choice]})):
                raise _error(error, self._characters)
            if finish := finish_of(choice):
                self.finishes[number] = finish
        delta = choice.get("delta") or {}
        if _WORDS.issuperset(delta) and type(text := delta.get("content")) is str:  # as nearly all pieces are
            if text:
                piece = self._whole("text", number, text)
                kept["text"].append(piece)
                found.append(Delta(piece, "text", number))
            return
        for channel, text in _told(delta):
            piece = self._whole(channel, number, text)
            kept[channel].append(piece)
            found.append(Delta(piece, channel, number))  # type: ignore[arg-type]
        found.extend(self._call(number, call) for call in delta.get("tool_calls") or ())
        if old := delta.get("function_call"):
            found.append(self._call(number, {"index": -1, "function": old}))

    def _call(self, choice: int, wire: Mapping[str, Any]) -> Delta:
        """Take a piece of a call. A delta's index is the wire's, unless another call has it already."""
        function = wire.get("function") or {}
        mine = [c for c in self._calls if c.choice == choice]
        name, id_, index = _plain(function.get("name")), _plain(wire.get("id")), wire.get("index")
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
        piece = self._whole("tool_call", call.position, piece)
        call.pieces.append(piece)
        began = (call.id, call.name) if begins else ("", "")
        return Delta(piece, "tool_call", call.position, *began, choice)

    def _whole(self, channel: str, index: int, text: str) -> str:
        """Return a piece of text without half a surrogate pair, which nothing could keep, send on or hash.

        A first half at its end waits for what comes next; what stays alone becomes U+FFFD.
        """
        key = channel, index
        if self._halves:
            text = self._halves.pop(key, "") + text
        if text.isascii():
            return text
        if half := _HIGH.search(text):
            self._halves[key], text = half[0], text[:-1]
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


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


def _read(data: str) -> Any:
    """Return the value of a JSON text. Not all that endpoints send is strict enough for the fast reader."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return json.loads(data)


def _plain(value: Any) -> str:
    """Return a name or an id, halves of surrogate pairs made U+FFFD."""
    text = str(value or "")
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _told(delta: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield channel and text of what a delta says: a text each, or a list of parts (Mistral's thinking models)."""
    # Some endpoints send the same reasoning under several names.
    if thought := next((said for name in THOUGHTS if name in delta and (said := text_of(delta[name]))), ""):
        yield "reasoning", thought
    content = delta.get("content")
    for part in content if isinstance(content, list) else [content]:
        yield from ([("text", part)] if part else ()) if isinstance(part, str | None) else part_of(part)
    if refusal := text_of(delta.get("refusal")):
        yield "refusal", refusal


def _error(error: Any, characters: int) -> TargetError:
    after = f"after {characters} characters"
    if is_filtered({"error": error}):
        return TargetFiltered(f"the provider's filter stopped the answer {after}")
    kind = error_kind(error)
    return TargetError(f"the endpoint broke off its answer with an error{f' ({kind})' if kind else ''}, {after}")
