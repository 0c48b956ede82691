"""A candidate policy beside the one that decides: asked about what has happened, when it has happened.

It cannot change what happens: an attempt is made and judged before the candidate is asked about it, and what it is
given are copies.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence

import msgspec

from shipworthy.core.events import PolicyEvent
from shipworthy.core.foreign import kind_of
from shipworthy.enforce.policy.decision import Word
from shipworthy.enforce.policy.engine import Policy
from shipworthy.enforce.policy.past import Made, Past, PastAnswer
from shipworthy.enforce.policy.replayed import words_on

PATIENCE_S = 5.0
"""Seconds that a candidate has for one conversation."""

_RULE = "candidate"


class Shadow:
    """A candidate, and the bound that it is held to.

    One that does not answer in time is not asked again: what still runs of it would slow down everything else. What it
    did not say, and what it raised, counts as a refusal.

    Args:
        policy: the candidate. What it counts by user begins anew with each conversation, unless it has `accounts`.
        patience_s: seconds for one conversation.
    """

    def __init__(self, policy: Policy, *, patience_s: float = PATIENCE_S) -> None:
        self.policy, self._patience_s = policy, patience_s
        self._late = False

    @property
    def digest(self) -> str:
        """The candidate's."""
        return self.policy.digest

    async def words(self, past: Past) -> tuple[PolicyEvent, ...]:
        """Return the candidate's word on each call and each answer of a conversation, marked as such."""
        asked = list(past.in_order())
        if not asked:
            return ()
        said, broken = ((), "") if self._late else await self._ask(past)
        if self._late:
            broken = f"the candidate had not answered within {self._patience_s:g} s, and is not asked again"
        return (*said, *(_word(one, "deny", _RULE, broken) for one in asked[len(said) :]))

    async def _ask(self, past: Past) -> tuple[Sequence[PolicyEvent], str]:
        """Have the candidate speak in a thread of its own; return its words, or none and what broke it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Sequence[PolicyEvent], str]] = loop.create_future()

        def work() -> None:
            found: tuple[Sequence[PolicyEvent], str]
            try:
                found = _said(self.policy, past), ""
            except BaseException as error:
                found = (), f"the candidate failed: {kind_of(error)}"
            _tell(loop, lambda: None if done.done() else done.set_result(found))

        # No pool: a pool waits at the end of the process for what hangs in it.
        threading.Thread(target=work, daemon=True, name="candidate policy").start()
        try:
            return await asyncio.wait_for(done, self._patience_s)
        except TimeoutError:
            self._late = True
            return (), ""


def _said(policy: Policy, past: Past) -> list[PolicyEvent]:
    own = msgspec.json.decode(msgspec.json.encode(past), type=Past)
    found: list[PolicyEvent] = []
    for said in words_on(policy, own):
        reason = "" if said.word == "allow" and isinstance(said.of, Made) else said.why
        found.append(msgspec.convert(msgspec.to_builtins(_word(said.of, said.word, said.rule, reason)), PolicyEvent))
    return found


def _word(one: Made | PastAnswer, word: Word, rule: str, reason: str) -> PolicyEvent:
    call = one.id if isinstance(one, Made) else ""
    return PolicyEvent(one.turn, call, word, rule, reason, shadow=True, candidate=True)


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(what)
    except RuntimeError:  # nobody waits any more: the loop has ended
        return
