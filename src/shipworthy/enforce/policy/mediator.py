"""A policy in front of an exchange's tools: the same session, in the words of the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from shipworthy.core.events import GuardEvent, PolicyEvent
from shipworthy.core.messages import Message, Text, ToolCall, ToolResult
from shipworthy.enforce.policy.answer import without
from shipworthy.enforce.policy.answer_stream import AnswerStream
from shipworthy.enforce.policy.decision import PolicyDecision
from shipworthy.enforce.policy.session import Session

if TYPE_CHECKING:
    from shipworthy.core.records import Reply, Request


class Mediator:
    """One conversation of an exchange under a policy; see `PolicySession`, the protocol that it is.

    Args:
        session: what the policy knows of the conversation.
        shadow: every word is said and recorded, and every call runs.
    """

    def __init__(self, session: Session, *, shadow: bool = False) -> None:
        self.session, self._shadow = session, shadow
        self._asked: dict[str, PolicyDecision] = {}
        self._told: set[str] = set()
        self._heard: Sequence[Message] = ()

    async def decide(self, call: ToolCall, request: Request) -> PolicyEvent:
        """Return the policy's word on a call."""
        self.hear(request)
        decision = self.session.decide(call.name, call.arguments)
        if self._shadow and decision.word != "allow":
            self.session.ran_anyway(call.name, call.arguments)
        elif decision.word == "ask":
            self._asked[call.id] = decision
        return decision.event(request.turn, call.id, shadow=self._shadow)

    async def answered(self, call: ToolCall, granted: ToolCall | None) -> None:
        """Take in a person's word on a call that was asked about: the call as it may be made, or None for a no."""
        decision = self._asked.pop(call.id, None)
        if granted is None:
            self.session.refused(call.name)
        elif decision is not None:
            self.session.approved(granted.name, granted.arguments, decision)

    async def returned(self, call: ToolCall, result: ToolResult) -> None:
        """Take in what a call gave, as the target sees it."""
        self._told.add(result.text)
        if result.is_error:  # an error's text may quote what others wrote, and has no fields
            self.session.read(result.text, call.name)
        else:
            self.session.returned(call.name, call.arguments, result.text)

    def flagged(self, event: GuardEvent) -> None:
        """Take in that a guard flagged a text of the conversation."""
        self.session.flag(event.guard)

    async def answer(self, request: Request, reply: Reply) -> tuple[tuple[Message, ...], tuple[PolicyEvent, ...]]:
        """Return an answer as it may be given, and the policy's words on what was left out of it."""
        self.hear(request)
        for document in reply.retrieved:
            self.session.read(f"{document.title}\n{document.text}", "a document")
        shadow = self._shadow or not self.session.withholds
        out: list[Message] = []
        events: list[PolicyEvent] = []
        for message in reply.messages:
            parts = list(message.parts)
            for place, part in enumerate(parts if message.role == "assistant" else ()):
                if not isinstance(part, Text):
                    continue
                found = self.session.steered(part.text)
                events += [sentence.event(0, shadow=shadow) for sentence in found]
                if found and not shadow:
                    parts[place] = Text(without(part.text, found))
            out.append(message if tuple(parts) == message.parts else replace(message, parts=tuple(parts)))
        return tuple(out), tuple(events)

    def listen(self, request: Request) -> AnswerStream | None:
        """Return what checks one text of an answer that comes in pieces; None where there is nothing to check."""
        self.hear(request)
        mode = self.session.policy.file.answers.check
        if mode == "off" or not self.session.memory.tainted:
            return None
        return AnswerStream(self.session, shadow=self._shadow or mode == "record")

    def hear(self, request: Request) -> None:
        """Take in a request: the user's words, and what is shown to the target beside them."""
        messages = request.messages
        if messages is self._heard:
            return
        self._heard = messages
        self.session.hear(m.text for m in messages if m.role == "user")
        for source, text in [
            *(("a document", f"{d.title}\n{d.text}") for d in request.documents),
            *(("an earlier tool", m.text) for m in messages if m.role == "tool"),
        ]:
            if text not in self._told:
                self._told.add(text)
                self.session.read(text, source)

    def copy(self) -> Mediator:
        """Return one that knows what this one does and goes its own way."""
        twin = Mediator(self.session.copy(), shadow=self._shadow)
        twin._asked, twin._told, twin._heard = dict(self._asked), set(self._told), self._heard
        return twin
