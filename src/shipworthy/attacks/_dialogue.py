"""An attacker of several turns: what it may ask the scorers, and what a refusal looks like from its side."""

from __future__ import annotations

from collections.abc import Sequence

from shipworthy.core.protocols import Ask, AttackContext
from shipworthy.core.records import Message, Reply, Sample, say

_DECLINED = ("sorry", "cannot", "can't", "can not", "unable", "not able", "won't", "i must decline", "not allowed")


def declined(text: str) -> bool:
    """Say whether an answer reads like a refusal, by its first words: a hint for the attacker, no score.

    >>> declined("I'm sorry, but no."), declined("It is in the second drawer.")
    (True, False)
    """
    opening = text[:200].lower().replace("\u2019", "'")
    return any(word in opening for word in _DECLINED)


async def reached(ctx: AttackContext) -> bool:
    """Say whether the suite's scorers see a bad event in the conversation so far; no where they are not asked."""
    if ctx.score is None:
        return False
    return any(score.hit for score in await ctx.score())


def opening(sample: Sample) -> tuple[Message, ...]:
    """Return what stands before a sample's last user turn."""
    last = next((i for i in reversed(range(len(sample.messages))) if sample.messages[i].role == "user"), 0)
    return sample.messages[:last]


async def said(ask: Ask, so_far: Sequence[Message], text: str) -> tuple[tuple[Message, ...], Reply]:
    """Say a turn, and return the conversation with the answer, and the answer."""
    messages = (*so_far, say("user", text))
    reply = await ask(messages)
    return (*messages, *reply.messages), reply
