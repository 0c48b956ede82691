"""A message of MCP as guards release it: every text is looked at, alone and with the others, and it is made anew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import GuardEvent, Stage
from shipworthy.dialects.mcp_shapes import Holds, Shape
from shipworthy.enforce.pipeline import Applied, Pipeline

_CROSS = "split"


class ReleasedMessage(Struct, frozen=True):
    """What guards made of a message.

    Attributes:
        value: made anew; None where a guard kept it back.
        text: every text in it, as it is recorded.
    """

    value: Any
    events: tuple[GuardEvent, ...]
    seconds: float
    text: str = ""

    @property
    def blocked(self) -> bool:
        """Whether a guard kept it back."""
        return self.value is None


class _Place:
    """One place of a message: what it holds, what was there, and what will be."""

    def __init__(self, holds: Holds, was: Any) -> None:
        self.holds, self.was, self.now = holds, was, was

    @property
    def text(self) -> str:
        return self.now if isinstance(self.now, str) else str(self.now)


_UNREAD = (Holds.FLAG, Holds.TOKEN, Holds.MEDIA)


async def release(
    pipeline: Pipeline,
    stages: Sequence[Stage],
    shape: Shape,
    value: Any,
    ctx: GuardContext,
    *,
    at: str,
    media: bool = False,
    rewrite: bool = False,
    token: Callable[[Any], Any] = lambda token: token,
) -> ReleasedMessage:
    """Return a message made anew from what guards release.

    All texts of it are looked at together, so that nothing hides by being split, and each piece of prose by itself.
    What is to be edited is edited where it stands; a name or an address that would have to be edited, and what shows in
    no single place, keep the message back.

    Args:
        stages: whose guards look, one after the other.
        at: what it is, in words of ours.
        media: pictures, sounds and bytes are passed on unseen.
        rewrite: have guards that rewrite do so, for texts that a model reads as data.
        token: gives the identifier that stands in place of one of theirs.

    Raises:
        BadShape: it is not of its shape; nothing of it is passed on.
    """
    places: list[_Place] = []

    def take(holds: Holds, was: Any) -> Any:
        places.append(_Place(holds, was))
        return was

    shape.made(value, take, at, media=media)
    seen = _Seen(pipeline, ctx, [place for place in places if place.holds not in _UNREAD])
    for stage in stages:
        if not await seen.through(stage):
            return ReleasedMessage(None, tuple(seen.events), seen.seconds)
        if rewrite and not seen.rewritten(stage):
            return ReleasedMessage(None, tuple(seen.events), seen.seconds)
    order = iter(places)

    def put(holds: Holds, was: Any) -> Any:
        place = next(order)
        return token(was) if holds is Holds.TOKEN else place.now

    made = shape.made(value, put, at, media=media)
    if any(place.holds is Holds.MEDIA for place in places):
        said = "a picture, a sound or bytes were passed on unseen, as the file says"
        seen.events += [GuardEvent("pipeline", stage, "media", "allow", said) for stage in stages]
    return ReleasedMessage(made, tuple(seen.events), seen.seconds, seen.text)


class _Seen:
    """The places of one message that guards look at, and what they found."""

    def __init__(self, pipeline: Pipeline, ctx: GuardContext, places: list[_Place]) -> None:
        self._pipeline, self._ctx, self._places = pipeline, ctx, places
        self.events: list[GuardEvent] = []
        self.seconds = 0.0

    @property
    def text(self) -> str:
        """All of them as one text: prose line after line, the rest parted as in JSON: numbers do not run together."""
        pieces: list[str] = []
        last = Holds.TEXT
        for place in self._places:
            both = place.holds is last is Holds.TEXT
            pieces += ["\n" if both else '", "', place.text] if pieces else [place.text]
            last = place.holds
        return "".join(pieces)

    async def through(self, stage: Stage) -> bool:
        """Have a stage's guards look, and edit; False where they keep the message back."""
        whole = await self._look(stage, self.text)
        if whole.blocked:
            return False
        found, edited = whole.text != self.text, False
        for place in self._places:
            prose = place.holds is Holds.TEXT and len(self._places) > 1
            if not (found or prose):
                continue
            alone = await self._look(stage, place.text)
            if alone.blocked or not self._edit(place, alone, stage):
                return False
            edited = edited or alone.text != place.text or place.now != place.was
        if not (found or edited):
            return True
        # What no single place shows cannot be edited out of one.
        again = await self._pipeline.apply(stage, self.text, self._ctx, rewrite=False)
        self.seconds += again.seconds
        if again.blocked or again.text != self.text:
            self.events.append(GuardEvent("pipeline", stage, _CROSS, "block", "found across fields"))
            return False
        return True

    def rewritten(self, stage: Stage) -> bool:
        """Have guards rewrite the texts; False where one fails."""
        for place in self._places:
            if place.holds in (Holds.TEXT, Holds.VALUE):
                made = self._pipeline.rewrite(stage, place.text)
                self._note(made)
                if made.blocked:
                    return False
                place.now = made.text
        return True

    def _edit(self, place: _Place, alone: Applied, stage: Stage) -> bool:
        if alone.text == place.text:
            return True
        if place.holds in (Holds.WORD, Holds.NUMBER):
            self.events.append(GuardEvent("pipeline", stage, "word", "block", "a name or a number cannot be edited"))
            return False
        place.now = alone.text
        return True

    async def _look(self, stage: Stage, text: str) -> Applied:
        found = await self._pipeline.apply(stage, text, self._ctx, rewrite=False)
        self._note(found)
        return found

    def _note(self, applied: Applied) -> None:
        """Add what was found, once: most of it is found in the whole message and again where it stands."""
        self.seconds += applied.seconds
        known = {(e.guard, e.stage, e.rule, e.action, e.shadow) for e in self.events}
        self.events += [e for e in applied.events if (e.guard, e.stage, e.rule, e.action, e.shadow) not in known]
