"""Attacks one after another: ``role_play + base64`` wraps the request in a story and then encodes the whole.

A chain is named as `core.attack_name` reads it. Each step may rewrite the sample; one of them may hold a conversation
of its own, and what stands behind it then rewrites every turn that the attacker says in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Unpack

from shipworthy.core.attack_name import ChainStep, parse
from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import Ask, AttackContext, How, Rewrite, inapplicable
from shipworthy.core.records import Message, Reply, Sample, say


def is_chain(name: str) -> bool:
    """Say whether a text names more than one plug-in's id: several steps, parameters, or a converter of `pyrit`.

    >>> is_chain("role_play + base64"), is_chain("role_play(persona=any)"), is_chain("base64")
    (True, True, False)
    """
    return any(mark in name for mark in "+(:")


def steps_of(name: str) -> tuple[ChainStep, ...]:
    """Return the plug-ins of a chain. ``pyrit:Name`` is the plug-in `pyrit` with the parameter `converter`.

    Raises:
        PluginError: the text is the name of no chain; says where.
    """
    try:
        read = parse(name)
    except ValueError as error:
        raise PluginError(str(error)) from None
    return tuple(_spelled(step) for step in read.steps)


def _spelled(step: ChainStep) -> ChainStep:
    plugin, colon, inner = step.id.partition(":")
    if not colon:
        return step
    if plugin != "pyrit" or not inner or "converter" in step.params:
        raise PluginError(f"unknown attack {step.id!r}: only pyrit:NAME has a colon, such as pyrit:MorseConverter")
    return ChainStep(plugin, {**step.params, "converter": inner})


def join(name: str, attacks: Sequence[Any]) -> Any:
    """Return one attack out of several, built in their order: a `Rewrite` where all of them are.

    Raises:
        PluginError: more than one of them holds a conversation of its own.
    """
    if len(attacks) == 1:
        return attacks[0]
    speakers = [place for place, attack in enumerate(attacks) if not isinstance(attack, Rewrite)]
    if len(speakers) > 1:
        raise PluginError(f"the attack {name!r} joins two that hold a conversation of their own: take one of them out")
    if not speakers:
        return _rewrites(name, attacks)
    return _Conversing(name, attacks, speakers[0])


def _rewrites(name: str, attacks: Sequence[Rewrite]) -> Rewrite:
    def change(sample: Sample, rng: Random) -> Sample:
        for attack in attacks:
            sample = attack.change(sample, rng)
        return sample

    described = {"steps": [dict(attack.describe()) for attack in attacks]}
    return Rewrite(name, change, described, inapplicable=lambda sample: _first_why(attacks, sample))


def _first_why(attacks: Sequence[Any], sample: Sample) -> str:
    """Return why the first step that cannot change what the ones before it made cannot; those drew with one seed."""
    for attack in attacks:
        if why := inapplicable(attack, sample):
            return why
        if isinstance(attack, Rewrite):
            sample = attack.change(sample, Random(0))
    return ""


class _Conversing:
    """A chain with one step that holds its own conversation."""

    def __init__(self, name: str, attacks: Sequence[Any], speaker: int) -> None:
        self._name, self._attacks, self._speaker = name, attacks, attacks[speaker]
        self._before: Sequence[Rewrite] = attacks[:speaker]
        self._after: Sequence[Rewrite] = attacks[speaker + 1 :]
        self.needs: tuple[str, ...] = tuple(getattr(self._speaker, "needs", ()))
        self.queries: int = getattr(self._speaker, "queries", 0)
        self.needs_model: bool = bool(getattr(self._speaker, "needs_model", False))

    def describe(self) -> Mapping[str, Any]:
        return {"attack": self._name, "steps": [dict(attack.describe()) for attack in self._attacks]}

    def inapplicable(self, sample: Sample) -> str:
        """Say why it cannot change a sample: the first step that cannot."""
        return _first_why([*self._before, self._speaker], sample)

    async def attempt(self, sample: Sample, ask: Ask, ctx: AttackContext) -> Reply | None:
        """Change the sample, and have the conversation held; what follows rewrites each turn of the attacker's."""
        for attack in self._before:
            sample = attack.change(sample, ctx.rng)
        reply: Reply | None = await self._speaker.attempt(sample, self._rewriting(ask, ctx.rng), ctx)
        return reply

    def _rewriting(self, ask: Ask, rng: Random) -> Ask:
        if not self._after:
            return ask
        # A turn is rewritten once: the conversation so far must stay what it was, or the exchange would go back.
        written: list[tuple[Message, Message]] = []

        def rewritten(message: Message) -> Message:
            if message.role != "user":
                return message
            for said, sent in written:
                if said is message or said == message:
                    return sent
            sample = Sample(id="turn", messages=(message,))
            for attack in self._after:
                sample = attack.change(sample, rng)
            written.append((message, sample.messages[-1]))
            return sample.messages[-1]

        async def asked(messages: Sequence[Message] | str, **how: Unpack[How]) -> Reply:
            said = (say("user", messages),) if isinstance(messages, str) else tuple(messages)
            return await ask(tuple(map(rewritten, said)), **how)

        return asked
