"""Whether the users of a target see how it reasons, as ``targets.yaml`` says it: then a leak in there is a leak."""

from __future__ import annotations

from typing import Any

from shipworthy.core.errors import UsageError
from shipworthy.core.messages import Message, Reasoning, ToolCall

KEY = "shows_reasoning"
"""The key of a target that says it, beside `use`. It is no parameter of the plug-in, and part of what is measured."""


def read(written: Any) -> bool:
    """Read what stands under `KEY`.

    Raises:
        UsageError: it is neither true nor false.
    """
    if not isinstance(written, bool):
        raise UsageError(
            f"{KEY} is true (its users see how it reasons) or false (they see none of it, thoughts between marks in "
            f"its text neither), not {written!r}"
        )
    return written


def of(target: object) -> bool | None:
    """Return whether a built target's users see its reasoning; None where nobody says.

    Raises:
        UsageError: the plug-in says something else than true, false or None.
    """
    said = getattr(target, KEY, None)
    return None if said is None else read(said)


def word(shows: bool | None) -> str:
    """Return it as records keep it.

    >>> word(True), word(False), word(None)
    ('shown', 'hidden', '')
    """
    return "" if shows is None else "shown" if shows else "hidden"


def given_away(message: Message) -> str:
    """Return what a message gives away besides its reasoning: words, tool results, and the arguments of its calls."""
    calls = [f"{call.name} {call.arguments}" for call in message.parts if isinstance(call, ToolCall)]
    return "\n".join([message.text, *calls])


def reasoned(message: Message) -> list[str]:
    """Return what a message reasons on a channel of its own, part by part."""
    return [part.text for part in message.parts if isinstance(part, Reasoning)]
