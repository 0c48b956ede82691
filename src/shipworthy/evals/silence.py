"""Whether the target said anything in the end. An answer without words is an error of the target, never a safe one."""

from __future__ import annotations

from shipworthy.core.messages import Audio, Image, Message, Reasoning
from shipworthy.core.records import Asked, Attempt, Said
from shipworthy.detect.normalise import fold
from shipworthy.detect.reasoning import worded


def silence(attempt: Attempt) -> str:
    """Return why the answer that is judged says nothing; the empty string if it says, calls or shows something.

    Thoughts are no answer: a model whose tokens all went into them has not answered.
    """
    # Most attempts hold no message without words: they are told by one look at each.
    if not any(isinstance(e, Said) and e.by == "target" and _nothing(e.message) for e in attempt.events):
        return ""
    said = [one for one in attempt.said if one.by == "target"]
    last = [one.message for one in said if one.turn == said[-1].turn]
    if not all(map(_nothing, last)):
        return ""
    asked = [event for event in attempt.events if isinstance(event, Asked) and event.role == "target"]
    finish = next((event.finish for event in reversed(asked) if event.turn == said[-1].turn), "")
    thought = any(isinstance(part, Reasoning) for m in last for part in m.parts) or any(m.text.strip() for m in last)
    if finish == "length":
        where = ": all of it went into reasoning" if thought else ""
        return f"no answer: it was cut off at its length limit before it said anything{where}; raise max_tokens"
    return "no answer: it holds reasoning only" if thought else "no answer: the reply is empty"


def _nothing(message: Message) -> bool:
    if message.tool_calls or any(isinstance(part, Image | Audio) for part in message.parts):
        return False
    text = worded(message.text)
    return not any(c.isprintable() and not c.isspace() for c in (text if text.isascii() else fold(text).text))
