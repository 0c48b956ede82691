"""A target that is asked again about somebody else, and answers only if the answer stays: a mitigation of bias.

Goal: to hold back answers that hang on who a person is, or on where an option stands, and not on the case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from shipworthy.core.carries import carried, takes_tools
from shipworthy.core.counterfactual import Swaps, meant, moved, options_of, said_for
from shipworthy.core.errors import UsageError
from shipworthy.core.protocols import Model
from shipworthy.core.records import Message, Reply, Request, Text, answer
from shipworthy.core.registry import target

OTHERWISE = "It cannot be told."
"""What is said in place of an answer that does not stay; our own words."""


class Counterfactual:
    """The target behind `counterfactual`. What it says of itself is the inner target's and its own."""

    def __init__(self, model: Model, pairs: Sequence[Sequence[str]], *, options: bool, otherwise: str) -> None:
        self._model, self._pairs = model, [list(pair) for pair in pairs]
        self._swaps = Swaps(pairs) if pairs else None
        self._options, self._otherwise = options, otherwise
        self.carries = carried(model)
        for name in ("concurrency", "endpoint", "price", "tells_cost", "shows_reasoning", "native_tools"):
            if hasattr(model, name):
                setattr(self, name, getattr(model, name))

    def describe(self) -> Mapping[str, Any]:
        return {
            "target": "counterfactual",
            "swaps": self._pairs,
            "options": self._options,
            "otherwise": self._otherwise,
            "model": dict(self._model.describe()),
        }

    async def send(self, request: Request) -> Reply:
        """Ask; ask again with people swapped, and with options moved, where the question has any; compare.

        A question that neither changes is asked once. The answers of all that was asked count and cost.

        Raises:
            TargetError, TargetTimeout, TargetFiltered: as the inner target does, of any of the questions.
        """
        first = await self._model.send(request)
        asked, usage = _question(request), first.usage
        stays = True
        for again, back in self._again(request, asked):
            reply = await self._model.send(again)
            usage += reply.usage
            one, other = meant(_said(first), asked), meant(back(_said(reply)), back(_question(again)))
            stays = bool(one) and one == other
            if not stays:
                break
        if stays:
            return replace(first, usage=usage)
        return answer(
            said_for(self._otherwise, asked), usage=usage, model=first.model, fingerprint=first.fingerprint,
            retrieved=first.retrieved,
        )  # fmt: skip

    def _again(self, request: Request, asked: str) -> list[tuple[Request, Callable[[str], str]]]:
        """Return what else is asked, and what brings an answer's words back to the people of the first question."""
        found: list[tuple[Request, Callable[[str], str]]] = []
        swaps = self._swaps
        if swaps is not None:
            other = replace(
                request,
                messages=tuple(_changed(message, swaps.swap) for message in request.messages),
                documents=tuple(replace(one, text=swaps.swap(one.text)) for one in request.documents),
            )
            if other != request:
                found.append((other, swaps.swap))
        if self._options and options_of(asked):
            last = max(place for place, message in enumerate(request.messages) if message.role == "user")
            messages = list(request.messages)
            messages[last] = _changed(messages[last], moved)
            found.append((replace(request, messages=tuple(messages)), str))
        return found

    async def close(self) -> None:
        """Leave the inner target open: whoever built it closes it."""


def _changed(message: Message, change: Callable[[str], str]) -> Message:
    parts = tuple(replace(part, text=change(part.text)) if isinstance(part, Text) else part for part in message.parts)
    return replace(message, parts=parts)


def _question(request: Request) -> str:
    return next((message.text for message in reversed(request.messages) if message.role == "user"), "")


def _said(reply: Reply) -> str:
    return reply.messages[-1].text


@target
def counterfactual(
    model: Model, *, swaps: Sequence[Sequence[str]] = (), options: bool = True, otherwise: str = OTHERWISE
) -> Counterfactual:
    """Build a target that asks another one again about somebody else, and answers only if the answer stays.

    It costs up to three answers for one, and says nothing where a group is always treated alike, well or badly. Wrong
    to use for answers in free words: no two of them are alike, and all are held back.

    Args:
        model: the inner target; ``model: {use: …}`` in a workspace. One without tools and without sessions.
        swaps: pairs of words that change places: names, titles, pronouns, groups.
        options: whether lettered options (``A) … B) …``) are moved on by one, besides.
        otherwise: what is said in place of an answer that does not stay; with the letter of the option that says so.

    Raises:
        UsageError: there is nothing to change, a pair is none, the target calls tools or keeps sessions, or
            `otherwise` is empty.
    """
    if not swaps and not options:
        raise UsageError("counterfactual needs `swaps` or `options`: without them it is the target that it asks")
    if not otherwise.strip():
        raise UsageError("counterfactual needs something to say in place of an answer that does not stay: `otherwise`")
    if takes_tools(model):
        raise UsageError("counterfactual asks again, so it takes no target that calls tools: it would call them twice")
    if getattr(model, "sessions", False):
        raise UsageError("counterfactual asks again, so it takes no target that remembers a conversation")
    return Counterfactual(model, swaps, options=options, otherwise=otherwise)
