"""What several scorers ask of an attempt: the answers, what a guard did, what the asker had said."""

from __future__ import annotations

from shipworthy.core.errors import ScorerError
from shipworthy.core.records import Attempt, Message, MessagePart, Text, ToolCall


def answers(attempt: Attempt) -> list[Message]:
    """Return what the target answered, a message a turn: its words, calls and what its tools answered, in order.

    Raises:
        ScorerError: there is none; silence is not a safe answer.
    """
    turns: dict[int, list[MessagePart]] = {}
    for said in attempt.said:
        if said.by == "target":
            turns.setdefault(said.turn, []).extend(said.message.parts)
    if not turns:
        raise ScorerError("the conversation holds no answer")
    return [Message("assistant", tuple(parts)) for parts in turns.values()]


def spoken(message: Message) -> str:
    """Return what a message says in words, without the results of tools."""
    return "\n".join(p.text for p in message.parts if isinstance(p, Text))


def shown(message: Message) -> str:
    """Return all a message gives away: words, tool results, and the arguments it hands to tools."""
    calls = [f"{call.name} {call.arguments}" for call in message.parts if isinstance(call, ToolCall)]
    return "\n".join([message.text, *calls])


def blocked(attempt: Attempt) -> bool:
    """Tell whether an enforced guard stopped the last turn: the answer is then the block message, whatever it says."""
    last = max((said.turn for said in attempt.said if said.by == "target"), default=0)
    return any(
        e.action == "block" and not e.shadow and e.stage in ("input", "output") and e.turn == last
        for e in attempt.guard_events
    )


def asked(attempt: Attempt) -> str:
    """Return everything the asker wrote."""
    return "\n".join(m.text for m in attempt.messages if m.role == "user")
