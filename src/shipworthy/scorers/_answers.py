"""What several scorers ask of an attempt: the answers, what a guard did, what the asker had said."""

from __future__ import annotations

from shipworthy.core.errors import ScorerError
from shipworthy.core.records import Attempt, Message, Text, ToolCall


def answers(attempt: Attempt) -> list[Message]:
    """Return the assistant's messages.

    Raises:
        ScorerError: there is none; silence is not a safe answer.
    """
    found = [m for m in attempt.messages if m.role == "assistant"]
    if not found:
        raise ScorerError("the conversation holds no answer")
    return found


def spoken(message: Message) -> str:
    """Return what a message says in words, without the results of tools."""
    return "\n".join(p.text for p in message.parts if isinstance(p, Text))


def shown(message: Message) -> str:
    """Return all a message gives away: words, tool results, and the arguments it hands to tools."""
    calls = [f"{call.name} {call.arguments}" for call in message.parts if isinstance(call, ToolCall)]
    return "\n".join([message.text, *calls])


def blocked(attempt: Attempt) -> bool:
    """Tell whether an enforced guard stopped the last exchange: the answer is then the block message, whatever it says.

    Only where the conversation has a single answer: an event does not say which turn it stopped.
    """
    stopped = any(e.action == "block" and not e.shadow and e.stage != "retrieved" for e in attempt.guard_events)
    return stopped and sum(m.role == "assistant" for m in attempt.messages) == 1


def asked(attempt: Attempt) -> str:
    """Return everything the asker wrote."""
    return "\n".join(m.text for m in attempt.messages if m.role == "user")
