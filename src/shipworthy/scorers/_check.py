"""What the plain scorers share: a yes-or-no check of the answer's text, and its opposite.

A check is hit where it holds. An answer in which nothing is seen has no hit (``None``): whichever way is good, the gate
then counts it against shipping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from itertools import islice
from typing import Any, Literal, NamedTuple, Protocol, get_args

from msgspec.structs import replace

from shipworthy.core.errors import PluginError, ScorerError, did_you_mean
from shipworthy.core.metric import Good
from shipworthy.core.protocols import ScoreContext
from shipworthy.core.records import Attempt, Message, Metric, Sample, Score, Text
from shipworthy.scorers._answers import answers, answers_by_turn, shown, spoken
from shipworthy.scorers._form import silent

VERSION = "3"

Within = Literal["last", "all"]

_MOST_SPANS = 50
"""Marks of one text: a viewer needs to see where, not every letter that a pattern can match. It also bounds the work:
looking for all matches of a pattern may take a search for every character, each as long as the text."""


class SearchHits(NamedTuple):
    """What a search says of the texts it was given.

    Attributes:
        holds: whether the check holds.
        reason: one sentence, without text of the evaluation.
        settled: whether an answer that is still to come could not change it: what was found stays found.
        places: for each text, the spans [start, end) of what was found; empty where none can be given.
    """

    holds: bool
    reason: str
    settled: bool = False
    places: Sequence[Iterable[tuple[int, int]]] = ()


class Search(Protocol):
    """Looks at texts. Built once from the suite's parameters, or from each sample's `expected`."""

    def __call__(self, texts: Sequence[str]) -> SearchHits: ...


class TextCheck:
    """A scorer of one event: that a search holds of the answer's text, or that it does not.

    Args:
        name: the plug-in's id.
        make: builds the search from what is wanted (the suite's, or the sample's `expected`).

            Raises ValueError: it cannot; its text says why.
        wanted: what the suite asks of all samples; None if each sample's `expected` says it.
        parameter: the name of the suite's parameter for it.
        metric: the metric's name; the plug-in's id if empty.
        good: whether hits are good (``high``) or bad (``low``).
        within: ``last``, the words of the last answer; ``all``, everything that any answer gives away: words, results
            of tools, arguments of calls, and reasoning that the target's users see.
        settings: the other parameters, for the description.

    Raises:
        PluginError: a parameter that is none.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[Any], Search],
        *,
        wanted: Any,
        parameter: str,
        metric: str,
        good: Good,
        within: Within = "last",
        settings: Mapping[str, Any],
    ) -> None:
        for word, given, known in (("good", good, get_args(Good)), ("within", within, get_args(Within))):
            if given not in known:
                raise PluginError(f"scorer {name!r}: {word} is no {given!r}: {did_you_mean(str(given), known)}")
        self.name, self._make, self._parameter, self._within = name, make, parameter, within
        self._named, self._opposite = metric, False
        self._wanted = list(wanted) if isinstance(wanted, tuple) else wanted
        self._settings = dict(settings)
        self.needs_expected = wanted is None
        self._search: Search | None = None
        if wanted is not None:
            try:
                self._search = make(wanted)
            except ValueError as error:
                raise PluginError(f"scorer {name!r}: {parameter}: {error}") from error
        self.metrics = (Metric(metric or name, good=good),)

    def opposite(self, name: str) -> TextCheck:
        """Return this check turned round, under its own id: hit where this one does not hold."""
        self.name, self._opposite = name, True
        self.metrics = (replace(self.metrics[0], name=self._named or name),)
        return self

    def describe(self) -> Mapping[str, Any]:
        metric = self.metrics[0]
        return {
            "scorer": self.name,
            "version": VERSION,
            "metric": metric.name,
            "good": metric.good,
            "within": self._within,
            self._parameter: self._wanted,
            **self._settings,
        }

    async def score(self, attempt: Attempt, sample: Sample, ctx: ScoreContext) -> Sequence[Score]:
        search = self._search or self._of(sample)
        turns = answers_by_turn(attempt) if self._within == "all" else {0: answers(attempt)[-1]}
        seen = ctx.shows_reasoning
        read = [(shown(m, seen), 0) if self._within == "all" else _answer(m) for m in turns.values()]
        texts = [text for text, _ in read]
        found = search(texts)
        metric, last = self.metrics[0].name, texts[-1]
        if silent(last) and not found.settled:
            # Of silence every "does not contain" is true, and none of it was earned.
            return (Score(metric=metric, scorer=self.name, label="empty", reason="the answer is empty"),)
        spans: list[tuple[int, int]] = []
        elsewhere: list[tuple[int, int, int]] = []
        newest = max(turns)
        for (turn, message), (_, skipped), places in zip(turns.items(), read, found.places, strict=False):
            whole = len(spoken(message)) == len(message.text)  # no tool answered in between
            for start, end in ((a + skipped, b + skipped) for a, b in islice(places, _MOST_SPANS)):
                if turn == newest and end <= len(message.text) and (whole or self._within == "all"):
                    spans.append((start, end))
                elif self._within == "all":
                    elsewhere.append((turn, start, end))
        return (
            Score(
                metric=metric,
                hit=found.holds is not self._opposite,
                scorer=self.name,
                label="holds" if found.holds is not self._opposite else "fails",
                reason=found.reason,
                spans=tuple(spans),
                elsewhere=tuple(elsewhere),
            ),
        )

    def _of(self, sample: Sample) -> Search:
        if sample.expected is None:
            raise ScorerError(
                f"sample {sample.id} names nothing in `expected`, and the scorer {self.name!r} has no parameter "
                f"{self._parameter!r}"
            )
        try:
            return self._make(sample.expected)
        except ValueError as error:
            raise ScorerError(f"sample {sample.id}: expected: {error}") from error


def opposite(factory: Callable[..., TextCheck], module: str) -> Callable[..., TextCheck]:
    """Return a factory of the opposite check, with the same parameters, for the file whose module it is."""
    name = module.rpartition(".")[2]

    @wraps(factory)
    def make(**params: Any) -> TextCheck:
        return factory(**params).opposite(name)

    make.__module__, make.__name__, make.__qualname__ = module, name, name
    make.__doc__ = f"Hit where `{factory.__name__}` is not. Parameters and errors are the same.\n\n{factory.__doc__}"
    return make


def texts_of(wanted: Any) -> list[str]:
    """Return what is wanted as a list of texts.

    Raises:
        ValueError: it is neither a text nor a list of at least one.
    """
    some = [wanted] if isinstance(wanted, str) else wanted
    if not isinstance(some, Sequence) or not some or not all(isinstance(text, str) for text in some):
        raise ValueError("give a text, or a list of at least one; a number stands in quotes")
    return list(some)


def _answer(message: Message) -> tuple[str, int]:
    """Return a message's words without the thoughts before them, and how many characters that skips."""
    text = spoken(message)
    if text == "\n".join(p.text for p in message.parts if isinstance(p, Text)):
        return text, 0
    return text.strip(), len(text) - len(text.lstrip())
