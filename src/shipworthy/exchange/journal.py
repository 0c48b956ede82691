"""What a tool policy could know of a conversation, kept for one that is asked afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from shipworthy.core.events import Event, Said
from shipworthy.core.records import Reply, Request, ToolCall, ToolResult
from shipworthy.enforce.policy.past import Made, Past, PastAnswer
from shipworthy.enforce.policy.recorded import calls_of, conversation, said


class Tried:
    """One call that came as far as the policy.

    Attributes:
        call: as the policy was asked about it.
        verdict: the policy's; "" where there is none, ``deny`` where it broke.
        made: the call as it ran; None where it did not.
        seen: what it gave, as the target saw it.
        flagged: rules of guards that had flagged a text by then.
    """

    __slots__ = ("call", "flagged", "made", "seen", "verdict")

    def __init__(self, call: ToolCall, flagged: Iterable[str] = ()) -> None:
        self.call, self.flagged = call, tuple(flagged)
        self.verdict: Literal["", "allow", "ask", "deny", "stop"] = ""
        self.made: ToolCall | None = None
        self.seen: ToolResult | None = None


class _Turn(NamedTuple):
    request: Request
    tried: Sequence[Tried]
    reply: Reply | None
    kept: Sequence[Event]


class Journal:
    """The turns of one conversation, as its target saw them."""

    def __init__(self) -> None:
        self._turns: list[_Turn] = []

    def add(self, request: Request, tried: Sequence[Tried], reply: Reply | None, kept: Sequence[Event] = ()) -> None:
        """Keep a turn.

        Args:
            reply: None where the target failed.
            kept: what a cache holds of the turn, where it answered and nothing was tried.
        """
        self._turns.append(_Turn(request, tried, reply, () if tried else kept))

    def past(self, id: str) -> Past:
        """Return the conversation's calls and answers, each with the user's words and the texts of others by then."""
        calls: list[Made] = []
        answers: list[PastAnswer] = []
        told: set[str] = set()
        unread: list[str] = []
        for request, tried, reply, kept in self._turns:
            says = tuple(m.text for m in request.messages if m.role == "user")
            shown = [f"{d.title}\n{d.text}" for d in request.documents]
            for text in (*shown, *(m.text for m in request.messages if m.role == "tool")):
                if text not in told:
                    told.add(text)
                    unread.append(text)
            for made in [_made(one, request.turn) for one in tried] or _kept(kept, request.turn, reply):
                calls.append(msgspec.structs.replace(made, says=says, read=tuple(unread)))
                unread.clear()
                if made.made:
                    told.add(str(made.gave))
            unread += [f"{d.title}\n{d.text}" for d in (reply.retrieved if reply is not None else ())]
            text = said(reply.messages) if reply is not None else ""
            if text and (unread or answers or any(call.made for call in calls)):
                answers.append(PastAnswer(text, len(calls), says=says, read=tuple(unread), turn=request.turn))
        return conversation(id, calls, answers)


def _kept(events: Sequence[Event], turn: int, reply: Reply | None) -> Sequence[Made]:
    told = [Said(turn, message, "target") for message in (reply.messages if reply is not None else ())]
    return calls_of([*(msgspec.structs.replace(event, turn=turn) for event in events), *told])


def _made(one: Tried, turn: int) -> Made:
    how: dict[str, Any] = {"made": one.made is not None, "granted": one.verdict == "ask" and one.made is not None}
    if one.made is not None and one.made.arguments != one.call.arguments:
        how["ran"] = one.made.arguments
    if one.seen is not None:
        how |= {"gave": one.seen.text, "failed": one.seen.is_error}
    return Made(
        tool=one.call.name,
        args=one.call.arguments,
        verdict=one.verdict,
        id=one.call.id,
        turn=turn,
        flagged=one.flagged,
        **how,
    )
