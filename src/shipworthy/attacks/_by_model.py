"""Have the attacker's model write another text for the last user turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shipworthy.attacks._text import no_request, request_of, reworded
from shipworthy.core.errors import AttackError
from shipworthy.core.protocols import Ask, AttackContext, converse
from shipworthy.core.records import Reply, Sample, say


class ByModel:
    """An attack whose words a model writes.

    Args:
        name: the plug-in's id, and `params` its parameters.
        order: what the model is told; ``{request}`` stands for the last user turn.
        wrap: makes the turn out of what the model wrote.
    """

    needs_model = True

    def __init__(
        self, name: str, params: Mapping[str, Any], order: str, wrap: Callable[[str], str] = str.strip
    ) -> None:
        self._name, self._params, self._order, self._wrap = name, dict(params), order, wrap

    def describe(self) -> Mapping[str, Any]:
        return {"attack": self._name, **self._params}

    def inapplicable(self, sample: Sample) -> str:
        """Say why there is nothing to rewrite."""
        return no_request(sample)

    async def attempt(self, sample: Sample, ask: Ask, ctx: AttackContext) -> Reply | None:
        """Ask the model for the words, and converse with them."""
        written = await told(self._name, ctx, self._order.replace("{request}", request_of(sample)))
        return await converse(reworded(sample, self._wrap(written)), ask)


async def told(name: str, ctx: AttackContext, order: str) -> str:
    """Return what the attacker's model answers.

    Raises:
        AttackError: there is none, it failed, or it said nothing: the attempt is no word on the target.
    """
    if ctx.model is None:
        raise AttackError(f"{name} needs a model to write its turns: {{use: {name}, model: {{use: ...}}}}")
    reply = await ctx.model((say("user", order),))
    if not (text := reply.text.strip()):
        raise AttackError("the attacker's model wrote nothing")
    return text
