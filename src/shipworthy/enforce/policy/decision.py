"""What the policy says of one call: a word, one sentence, and the tree of what was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from shipworthy.core.events import PolicyEvent, Question

REFUSED = "The call was refused."
"""What the caller of an agent's tools reads in place of a result: not why, which a prompt in a document could learn
from. In an answer that leaves without a call, it begins the sentence that says so."""

Word = Literal["allow", "ask", "deny"]

RANK: dict[Word, int] = {"allow": 0, "ask": 1, "deny": 2}
"""How hard a word is."""


class Trouble(NamedTuple):
    """One thing that stands against a call.

    Attributes:
        word: ``ask`` or ``deny``.
        rule: what was broken: the name of an argument's class, ``intent``, ``budget``, ``when`` and so on.
        argument: that it is about; "" where it is the whole call.
        value: that it is about, in its one writing; "" where there is none.
        why: half a sentence.
        origin: the tool in whose untrusted text the value stands; "" where it stands in none.
    """

    word: Word
    rule: str
    argument: str
    value: str
    why: str
    origin: str = ""


class Explained(NamedTuple):
    """One step of an explanation."""

    label: str
    word: Word
    why: str = ""
    below: tuple[Explained, ...] = ()

    def lines(self, depth: int = 0) -> list[str]:
        """Return the tree as lines, indented."""
        why = f": {self.why}" if self.why else ""
        own = f"{'  ' * depth}{self.word:5} {self.label}{why}"
        return [own, *(line for node in self.below for line in node.lines(depth + 1))]


class PolicyDecision(NamedTuple):
    """The policy's word on a call.

    Attributes:
        troubles: what stands against it; none where the word is ``allow``.
    """

    word: Word
    tool: str
    effect: str
    troubles: tuple[Trouble, ...] = ()

    @property
    def rule(self) -> str:
        """What decided: ``tool.argument.class``, or ``tool.what``."""
        if not self.troubles:
            return self.tool
        worst = self._worst()
        return ".".join(part for part in (self.tool, worst.argument, worst.rule) if part)

    @property
    def sentence(self) -> str:
        """Why, in one sentence."""
        if not self.troubles:
            return f"{self.tool} may run: every check of its rule holds."
        worst = self._worst()
        begins = {"ask": "needs a person's word", "deny": "is refused", "allow": "may run"}[self.word]
        more = len(self.troubles) - 1
        rest = f" (and {more} more)" if more else ""
        return f"{self.tool} {begins}: {worst.why}{rest}."

    def event(self, turn: int, call: str, *, shadow: bool) -> PolicyEvent:
        """Return it in the words of the record."""
        troubles = self.troubles if self.word == "ask" else ()
        asked = tuple(Question(t.argument, t.value, t.origin, t.why) for t in troubles)
        reason = "" if self.word == "allow" else self.sentence
        return PolicyEvent(turn, call, self.word, self.rule, reason, asked, shadow)

    def _worst(self) -> Trouble:
        return max(self.troubles, key=lambda trouble: RANK[trouble.word])


def decided(tool: str, effect: str, troubles: Sequence[Trouble]) -> PolicyDecision:
    """Return the word that the troubles add up to: the hardest of theirs.

    >>> decided("send", "external", [Trouble("ask", "intent", "", "", "nobody asked for it")]).sentence
    "send needs a person's word: nobody asked for it."
    """
    word: Word = max((trouble.word for trouble in troubles), key=RANK.__getitem__, default="allow")
    return PolicyDecision(word, tool, effect, tuple(troubles))
