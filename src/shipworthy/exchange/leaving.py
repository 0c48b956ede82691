"""Calls of tools that leave with an answer, because the asker makes them: the tool policy's word comes before that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shipworthy.core.errors import PolicyRefused
from shipworthy.core.events import Approval, Event, PolicyEvent
from shipworthy.core.messages import MessagePart
from shipworthy.core.protocols import GuardContext, PolicySession
from shipworthy.core.records import Delta, Message, Reply, Request, Text, ToolCall
from shipworthy.enforce.policy.decision import REFUSED
from shipworthy.exchange.desk import Desk, Mediation

if TYPE_CHECKING:
    from shipworthy.enforce.policy.answer_stream import AnswerStream


class LeavingCalls:
    """The policy before one answer's calls, and before its words where it looks at these.

    Guards have looked at a call before it comes here. One that may not leave is left out, and a sentence says so in its
    place. Whatever breaks on the way, the call does not leave.

    Args:
        request: that is answered.
        policy: the policy's side of the conversation.

    Attributes:
        desk: has the policy's and a person's words among its events.
        refused: the choices, or the places of the messages, of which a call was left out.
    """

    def __init__(self, request: Request, mediation: Mediation, policy: PolicySession) -> None:
        self.desk = Desk(request, mediation, session=policy)
        self.refused: set[int] = set()
        self._request, self._mediation, self._policy = request, mediation, policy
        self._said: dict[int, set[str]] = {}
        self._stopped = False

    @property
    def events(self) -> Sequence[Event]:
        """What happened, in order."""
        return self.desk.events

    async def call(self, call: ToolCall, choice: int) -> ToolCall | str:
        """Return a call as it may leave; else the sentence that is said in its place, empty where it has been said."""
        start = len(self.desk.events)
        try:
            made = None if self._stopped else await self.desk.decide(call)
        except PolicyRefused:
            made, self._stopped = None, True
        if made is not None:
            return made
        self.refused.add(choice)
        sentence = await self._scanned(_why(self.desk.events[start:]))
        said = self._said.setdefault(choice, set())
        if sentence in said:
            return ""
        said.add(sentence)
        return sentence

    async def messages(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        """Return a whole answer as it may leave: sentences stand behind its words, before what is left of its calls."""
        out: list[Message] = []
        for place, message in enumerate(messages):
            if not message.tool_calls:
                out.append(message)
                continue
            said: list[MessagePart] = [part for part in message.parts if not isinstance(part, ToolCall)]
            calls: list[MessagePart] = []
            for call in message.tool_calls:
                found = await self.call(call, place)
                if isinstance(found, ToolCall):
                    calls.append(found)
                elif found:
                    said.append(Text(found))
            out.append(Message(message.role, (*said, *calls)))
        return tuple(messages) if out == list(messages) else tuple(out)

    async def heard(self, pieces: AsyncIterator[Delta | Reply]) -> AsyncGenerator[Delta | Reply, None]:
        """Yield the pieces of an answer, their words as the policy lets them be given."""
        listen = getattr(self._policy, "listen", None)
        streams: dict[tuple[str, int], AnswerStream | None] = {}
        try:
            async for piece in pieces:
                if isinstance(piece, Reply):
                    for (channel, index), stream in streams.items():
                        if stream is not None and (rest := stream.finish()):
                            yield Delta(rest, channel, index)  # type: ignore[arg-type]
                elif listen is not None and piece.channel in ("text", "refusal"):
                    key = piece.channel, piece.index
                    if key not in streams:
                        streams[key] = listen(self._request)
                    stream = streams[key]
                    if stream is not None:
                        text = stream.feed(piece.text)
                        if text:
                            yield piece if text == piece.text else replace(piece, text=text)
                        continue
                yield piece
        finally:
            turn = self._request.turn
            self.desk.events += [replace(e, turn=turn) for s in streams.values() if s is not None for e in s.events]

    async def _scanned(self, sentence: str) -> str:
        """Return a sentence as guards let it be said. It quotes the call, and may quote what a guard keeps back."""
        pipeline = self._mediation.pipeline
        if pipeline is None:
            return sentence
        applied = await pipeline.apply("output", sentence, GuardContext(self._request))
        # What was blocked here is the explanation: the bare sentence takes its place, and the answer goes on.
        self.desk.events += [
            replace(event, turn=self._request.turn, action="replace" if event.action == "block" else event.action)
            for event in applied.events
        ]
        self.desk.guard_seconds += applied.seconds
        return REFUSED if applied.blocked else applied.text


def _why(events: Sequence[Event]) -> str:
    """Return what is said in place of a call: that it was refused, and why."""
    words = [event for event in events if isinstance(event, PolicyEvent)]
    person = next((event for event in reversed(events) if isinstance(event, Approval)), None)
    told = [REFUSED, words[-1].reason if words else "The policy failed, or had stopped the answer."]
    if person is not None and not person.granted:
        nobody = person.reason or "there is nobody to ask"
        told.append(f"{nobody[:1].upper()}{nobody[1:]}." if person.by == "nobody" else "A person said no.")
    return " ".join(part for part in told if part)
