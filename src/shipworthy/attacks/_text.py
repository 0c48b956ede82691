"""Change the last user turn of a sample and nothing else."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from shipworthy.core.records import Message, MessagePart, Sample, Text


def last_user(sample: Sample) -> int | None:
    """Return the index of the last user turn, or None where the sample has none."""
    return next((i for i in reversed(range(len(sample.messages))) if sample.messages[i].role == "user"), None)


def _with_parts(sample: Sample, index: int, parts: tuple[MessagePart, ...]) -> Sample:
    message: Message = replace(sample.messages[index], parts=parts)
    return replace(sample, messages=(*sample.messages[:index], message, *sample.messages[index + 1 :]))


def no_user_turn(sample: Sample) -> str:
    """Return why a sample has nothing to change: it has no user turn; the empty string where it has."""
    return "" if last_user(sample) is not None else "the sample has no user turn"


def nothing_in(sample: Sample, changes: Callable[[str], object], what: str) -> str:
    """Return why nothing in a sample's last user turn can be changed; the empty string where something can.

    Args:
        changes: whether a text has something in it that can; asked of each text part.
        what: is lacking then, in words.
    """
    if why := no_user_turn(sample):
        return why
    parts = sample.messages[last_user(sample) or 0].parts
    texts = [part.text for part in parts if isinstance(part, Text)]
    if not any(texts):
        return "its last user turn holds no text"
    return "" if any(map(changes, texts)) else f"its last user turn holds {what}"


def surround(sample: Sample, *, before: str = "", after: str = "") -> Sample:
    """Return the sample with text put before the first and after the last text part of its last user turn.

    A turn of images alone gets a text part of its own, because an instruction can ride on a picture too.
    """
    index = last_user(sample)
    if index is None:
        return sample
    parts = sample.messages[index].parts
    texts = {i: part.text for i, part in enumerate(parts) if isinstance(part, Text)}
    if not texts:
        return _with_parts(sample, index, (*parts, Text("\n\n".join(t for t in (before, after) if t))))
    if before:
        texts[min(texts)] = f"{before}\n\n{texts[min(texts)]}"
    if after:
        texts[max(texts)] = f"{texts[max(texts)]}\n\n{after}"
    return _with_parts(sample, index, tuple(Text(texts[i]) if i in texts else part for i, part in enumerate(parts)))


def request_of(sample: Sample) -> str:
    """Return the text of the last user turn, all its text parts; empty where it has none."""
    index = last_user(sample)
    if index is None:
        return ""
    return "\n".join(part.text for part in sample.messages[index].parts if isinstance(part, Text))


def no_request(sample: Sample) -> str:
    """Return why a sample has no request to work with: no user turn, or no words in it; empty where it has one."""
    return nothing_in(sample, str.strip, "no text")


def reworded(sample: Sample, text: str) -> Sample:
    """Return the sample with another text in its last user turn, in place of all text parts; media stay behind it."""
    index = last_user(sample)
    if index is None:
        return sample
    parts = sample.messages[index].parts
    return _with_parts(sample, index, (Text(text), *(part for part in parts if not isinstance(part, Text))))
