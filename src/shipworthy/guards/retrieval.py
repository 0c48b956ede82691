"""What may be retrieved: sources that are allowed, how far each is trusted, and documents without orders in them."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import translate
from typing import Any, Literal, NamedTuple, get_args

from shipworthy.core.errors import PluginError, did_you_mean
from shipworthy.core.protocols import GuardContext
from shipworthy.core.records import Action, Finding, Part, Stage
from shipworthy.core.registry import guard
from shipworthy.detect import injection, injection_model

VERSION = "3"
Trust = Literal["trusted", "checked", "untrusted"]
MARK = "[a sentence that reads like an order was taken out]"
LONGEST = 400
"""Characters of a sentence; what goes on without an end is cut there, at a blank."""

_END = re.compile(r"(?:[.!?][\"')\]]*(?=\s)|\n|[\u3002\uff01\uff1f])\s*")


class DocumentSentence(NamedTuple):
    """Characters ``start <= i < end`` of a text."""

    start: int
    end: int


@guard
class Retrieval:
    """Withhold documents and tool results of sources that are not allowed, and take orders out of the others.

    A source is a document's `source`, or its id where it has none; of a tool's result it is ``tool:NAME``. Patterns are
    those of a shell (``*``, ``?``, ``[ab]``), on the whole source, letter case counts. How far a source is trusted:

    - ``trusted``: passes unread. For texts that you write yourself.
    - ``checked``: sentences that read like orders to the model are taken out, and a mark is left in their place.
    - ``untrusted``: the same from half the threshold on, and having read such a text tightens the tools.

    A sentence is an order where one of the known wordings stands in it (`detect.injection`), or where the trained
    detector takes it for an attack (`detect.injection_model`), which reads around it, too: where only several
    sentences together read like one, nothing is taken out and the tools are tightened. Every finding is on record, with
    why and without the text. Orders in the words of an ordinary page ("The client moved, get it from ...") stay: the
    figures are in docs/reference/guards.md. No detector is a boundary.

    Args:
        allow: patterns of sources; those of no pattern are withheld. All sources are allowed if left out.
        deny: patterns of sources that are withheld in any case.
        trust: pattern -> ``trusted``, ``checked`` or ``untrusted``; the first that fits, and `otherwise` for the rest.
        strip: whether sentences are taken out; if not, they are only recorded.
        threshold: of the detector, in (0, 1); that of its card if left out.

    Raises:
        PluginError: an unknown word of trust, a threshold outside (0, 1), or a pattern that is no text.
    """

    stages: frozenset[Stage] = frozenset({"retrieved"})
    reach: int | None = None

    def __init__(
        self,
        *,
        allow: Sequence[str] | None = None,
        deny: Sequence[str] = (),
        trust: Mapping[str, Trust] | None = None,
        otherwise: Trust = "checked",
        strip: bool = True,
        threshold: float | None = None,
    ) -> None:
        for word in (*(trust or {}).values(), otherwise):
            if word not in get_args(Trust):
                raise PluginError(f"guard 'retrieval' knows no {word!r}: {did_you_mean(str(word), get_args(Trust))}")
        wrong = isinstance(threshold, bool) or not isinstance(threshold, int | float) or not 0 < threshold < 1
        if threshold is not None and wrong:
            raise PluginError(f"guard 'retrieval': threshold is a number between 0 and 1, not {threshold!r}")
        self._allow = None if allow is None else tuple(allow)
        self._deny, self._trust, self._otherwise, self._strip = tuple(deny), dict(trust or {}), otherwise, strip
        self._patterns = {p: _pattern(p) for p in (*(allow or ()), *deny, *self._trust)}
        self._model = injection_model.load()
        self._limit = float(threshold) if threshold is not None else self._model.thresholds["indirect"]

    def describe(self) -> Mapping[str, Any]:
        return {
            "guard": "retrieval",
            "version": VERSION,
            "allow": None if self._allow is None else list(self._allow),
            "deny": list(self._deny),
            "trust": [list(pair) for pair in self._trust.items()],
            "otherwise": self._otherwise,
            "strip": self._strip,
            "threshold": self._limit,
            "weights": self._model.digest,
        }

    async def check(self, part: Part, ctx: GuardContext) -> Sequence[Finding]:
        whole = 0, len(part.text)
        if self._fits(part.source, self._deny):
            return [Finding(*whole, "source", "block", reason="a source that is denied")]
        if self._allow is not None and not self._fits(part.source, self._allow):
            return [Finding(*whole, "source", "block", reason="a source that is not allowed")]
        trust = self.trust(part.source)
        if trust == "trusted":
            return ()
        found = [*self._orders(part.text, self._limit if trust == "checked" else self._limit / 2)]
        if trust == "untrusted":
            found.append(Finding(*whole, "untrusted", "tighten", reason="a source that is not trusted"))
        return found

    def trust(self, source: str) -> Trust:
        """Return how far a source is trusted."""
        return next((word for pattern, word in self._trust.items() if self._fits(source, (pattern,))), self._otherwise)

    def _fits(self, source: str, patterns: Sequence[str]) -> bool:
        return any(self._patterns[pattern].match(source) for pattern in patterns)

    def _orders(self, text: str, limit: float) -> Iterator[Finding]:
        page = _Page(text)
        action: Action = "replace" if self._strip else "tighten"
        for span in injection.find(text):
            if span.kind == "invisible":  # honest pages hold such characters, too; what they hid is read
                continue
            for s in page.taken(page.within(span.start, span.end)):
                yield Finding(s.start, s.end, "order", action, MARK, f"{span.kind} wording")
        for window in self._model.find(text, limit):
            inside = page.within(window.start, window.end)
            left = [s for s in inside if s not in page.out]
            orders = [s for s in left if self._model.chance(text[s.start : s.end]) >= limit]
            for s in page.taken(orders):
                yield Finding(s.start, s.end, "order", action, MARK, "reads like an order")
            if not orders and left == inside:
                yield Finding(
                    window.start, window.end, "order", "tighten", reason="only as a whole reads like an order"
                )


class _Page:
    """The sentences of a text, and those that were taken out."""

    def __init__(self, text: str) -> None:
        self._all = sentences(text)
        self._starts, self._ends = [s.start for s in self._all], [s.end for s in self._all]
        self.out: set[DocumentSentence] = set()

    def within(self, start: int, end: int) -> list[DocumentSentence]:
        """Return the sentences that share a character with a span, in order."""
        first = bisect_right(self._ends, start)
        return self._all[first : bisect_left(self._starts, end)]

    def taken(self, some: Sequence[DocumentSentence]) -> list[DocumentSentence]:
        """Take sentences out; return those that had not been."""
        new = [s for s in some if s not in self.out]
        self.out.update(new)
        return new


def sentences(text: str) -> list[DocumentSentence]:
    """Return the sentences of a text, in order, without the blanks around them.

    >>> [(s.start, s.end) for s in sentences("Nine to five. Say hi!  ")]
    [(0, 13), (14, 21)]
    """
    found, start = [], 0
    for end in [*(m.end() for m in _END.finditer(text)), len(text)]:
        at = start
        while at < end:
            stop = end if end - at <= LONGEST else max(text.rfind(" ", at + 1, at + LONGEST), 0) or at + LONGEST
            said = text[at:stop]
            bare = said.strip()
            if bare:
                first = at + len(said) - len(said.lstrip())
                found.append(DocumentSentence(first, first + len(bare)))
            at = stop
        start = end
    return found


def _pattern(pattern: object) -> re.Pattern[str]:
    if not isinstance(pattern, str) or not pattern:
        raise PluginError(f"guard 'retrieval': a pattern of sources is a text such as 'handbook/*', not {pattern!r}")
    return re.compile(translate(pattern))
