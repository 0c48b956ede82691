"""An attack that says what another one said: the record of an attempt, word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shipworthy.core.errors import UsageError
from shipworthy.core.protocols import Ask, AttackContext
from shipworthy.core.records import Attempt, Message, Reply, Sample
from shipworthy.detect.redact import is_redacted


class ReplayAttack:
    """Say again, turn by turn, what the asker said in the conversation that was judged.

    The target answers every turn afresh: its recorded answers are not put into its mouth, or a leak in one of them
    would be found in every try. Ways that a search went and gave up are not gone again. Wrong to use where the attack
    planted documents of its own in mid-conversation: they are on no record, and the sample's are sent.

    Args:
        turns: what the asker said before each answer, in order; not empty.
    """

    def __init__(self, turns: Sequence[tuple[Message, ...]]) -> None:
        self.turns = tuple(turns)

    @classmethod
    def of(cls, attempt: Attempt) -> ReplayAttack:
        """Read the turns of a recorded attempt.

        Raises:
            UsageError: it has none, or they were redacted: other words are no replay.
        """
        turns: dict[int, list[Message]] = {}
        for said in attempt.said:
            if said.by == "asker":
                turns.setdefault(said.turn, []).append(said.message)
        if not turns:
            raise UsageError(f"{attempt.id} holds no message: nothing was asked. `--redraw` makes the attempt anew")
        if is_redacted(msgspec.json.encode(turns).decode()):
            raise UsageError(
                f"{attempt.id}: what the attack {attempt.attack!r} said was redacted in the record, so it cannot be "
                "said again. `--redraw` lets the attack draw anew"
            )
        return cls([tuple(messages) for messages in turns.values()])

    def describe(self) -> Mapping[str, Any]:
        """Return its id; it enters no content hash, as its attempts enter no log."""
        return {"attack": "replay"}

    async def attempt(self, sample: Sample, ask: Ask, ctx: AttackContext) -> Reply | None:
        """Hold the recorded conversation."""
        said: list[Message] = []
        reply = None
        for messages in self.turns:
            said += messages
            reply = await ask(said, documents=sample.documents)
            said += reply.messages
        return reply
