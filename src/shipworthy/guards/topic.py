"""Keep a conversation to what a product is for, by examples of what it is and is not asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, get_args

from shipworthy.core.errors import PluginError
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect.topic import TopicModel

VERSION = "1"
Undecided = Literal["allow", "block"]


@guard
class TopicScope:
    """Block what is likelier outside the product's topics than inside, by your own examples of both.

    The whole of what is said in a turn is judged at once: a question outside that hides in a long one inside passes. A
    text too short to tell ("Yes, please") is undecided. How well it does hangs on the examples: set the threshold on
    texts that are none of them (`shipworthy guard calibrate`).

    Args:
        inside: what the product is asked: texts, or the path of a file with one a line; 20 or more.
        outside: what it is not for, likewise: what users of other products ask, or yours should not.
        threshold: chance of being outside, in (0, 1), from which a text is.
        undecided: what is done with a text that cannot be told.

    Raises:
        PluginError: too few examples, one on both sides, a file that cannot be read, a bad number or word.
    """

    stages: frozenset[Stage] = frozenset({"input"})
    reach: int | None = None
    once = True

    def __init__(
        self,
        *,
        inside: Sequence[str] | str,
        outside: Sequence[str] | str,
        threshold: float = 0.9,
        undecided: Undecided = "allow",
    ) -> None:
        if isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1:
            raise PluginError(f"guard 'topic': threshold is a number between 0 and 1, not {threshold!r}")
        if undecided not in get_args(Undecided):
            raise PluginError(f"guard 'topic': undecided is allow or block, not {undecided!r}")
        sides = _examples(inside, "inside"), _examples(outside, "outside")
        try:
            self._model = TopicModel(*sides)
        except ValueError as error:
            raise PluginError(f"guard 'topic': {error}") from None
        self._threshold, self._undecided = float(threshold), undecided
        self._digest = sha256(repr(sides).encode("utf-8", "backslashreplace")).hexdigest()

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "topic",
            "version": VERSION,
            "examples": f"sha256:{self._digest}",
            "threshold": self._threshold,
            "undecided": self._undecided,
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        chance = self._model.chance(part.text)
        if chance is None:
            if self._undecided == "allow" or not any(char.isalpha() for char in part.text):
                return ()
            return [Finding(0, len(part.text), "undecided", "block", reason="the topic cannot be told")]
        if chance < self._threshold:
            return ()
        return [Finding(0, len(part.text), "topic", "block", reason="reads like none of the product's topics")]

    def chance(self, text: str) -> float:
        """Return how likely the text is outside, in [0, 1]; 0 where that cannot be told."""
        return self._model.chance(text) or 0.0


def _examples(given: Sequence[str] | str, name: str) -> list[str]:
    if not isinstance(given, str):
        return [str(text) for text in given]
    try:
        return Path(given).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise PluginError(f"guard 'topic': cannot read the examples {name} from {given}: {why}") from None
