"""A conversation that comes whole with each request, as it does to a gateway: told anew, and then decided over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from shipworthy.core.events import PolicyEvent
from shipworthy.core.foreign import kind_of
from shipworthy.core.messages import Message, ToolCall, ToolResult
from shipworthy.enforce.policy.decision import REFUSED
from shipworthy.enforce.policy.mediator import Mediator
from shipworthy.enforce.policy.session import Session

if TYPE_CHECKING:
    from shipworthy.core.records import Reply, Request


class Retold(Mediator):
    """One request's conversation under a policy.

    What it holds of the past is what the request says of it: the user's words, the calls of the model's turns, which
    count as made, and what tools gave, known by the ids of their calls. A call that was refused is not there; that one
    was is read from the sentence that took its place.

    A message of a user that stands beside the answers of tools, before the model has spoken again, is not taken for the
    user's words: many a framework puts there what a tool brought. Nor is a result known whose call is not there, or
    whose call's id stands for two.

    Args:
        session: of the policy, nothing told to it so far.
        shadow: every word is said and recorded, and every call runs, whatever breaks here.
    """

    def __init__(self, session: Session, *, shadow: bool = False) -> None:
        super().__init__(session, shadow=shadow)
        self._number = 0
        self._words: list[str] = []
        self._said = 0
        self._calls: dict[str, ToolCall | None] = {}
        self._after_calls = False

    async def decide(self, call: ToolCall, request: Request) -> PolicyEvent:
        """Return the policy's word on a call."""
        try:
            return await super().decide(call, request)
        except Exception as error:
            return self.unheeded(error, call, request)

    def unheeded(self, error: Exception, call: ToolCall, request: Request) -> PolicyEvent:
        """Return the word on a call on which the policy broke, in shadow; otherwise raise, which refuses the call."""
        if not self._shadow:
            raise error
        return PolicyEvent(request.turn, call.id, "deny", "broken", _broken(error), shadow=True)

    async def answer(self, request: Request, reply: Reply) -> tuple[tuple[Message, ...], tuple[PolicyEvent, ...]]:
        """Return an answer as it may be given, and the policy's words on what was left out of it."""
        try:
            return await super().answer(request, reply)
        except Exception as error:
            if not self._shadow:
                raise
            return tuple(reply.messages), (PolicyEvent(0, "", "deny", "broken", _broken(error), shadow=True),)

    def hear(self, request: Request) -> None:
        """Take in the messages that are new since the last time; the first time, all of them."""
        messages = request.messages
        new, self._number = messages[self._number :], len(messages)
        for message in new:
            self._take(message)
        self._say()
        for document in request.documents:
            self._read(f"{document.title}\n{document.text}", "a document")

    def _take(self, message: Message) -> None:
        if message.role == "user":
            if self._after_calls:
                self._read(message.text, "a message beside answers of tools")
                return
            self._words.append(message.text)
            return
        self._say()
        if message.role == "assistant":
            self._after_calls = bool(message.tool_calls)
            for call in message.tool_calls:
                self._calls[call.id] = None if call.id in self._calls else call
                if call.name in self.session.policy.tools:
                    self.session.book(call.name, call.arguments, again=True)
            for tool in refused_in(message.text, tuple(self.session.policy.tools)):
                self.session.refused(tool)
        for part in message.parts:
            if isinstance(part, ToolResult):
                self._returned(part)

    def _say(self) -> None:
        """Tell the user's words so far, once for all that stand together: each time they are read anew."""
        if len(self._words) > self._said:
            self._said = len(self._words)
            self.session.hear(self._words)

    def _returned(self, result: ToolResult) -> None:
        call = self._calls.get(result.id)
        if call is None:
            self._read(result.text, result.name or "an earlier tool")
        elif result.is_error:  # an error's text may quote what others wrote, and has no fields
            self.session.read(result.text, call.name)
        else:
            self.session.returned(call.name, call.arguments, result.text)

    def _read(self, text: str, source: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self.session.read(text, source)


def refused_in(text: str, tools: Sequence[str]) -> Iterator[str]:
    """Yield the tools of which an answer says that a call was refused: the policy's sentence begins with their name.

    >>> list(refused_in("Done.\\nThe call was refused. send_mail is refused: why.", ["send_mail", "read"]))
    ['send_mail']
    """
    if REFUSED in text:
        yield from (tool for tool in tools if f"{REFUSED} {tool} " in text)


def _broken(error: Exception) -> str:
    return f"the policy failed: {kind_of(error)}"
