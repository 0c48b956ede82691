"""The same question about somebody else: does an answer hang on the case, or on who a person is and where they stand?

Two ways to ask again. *Swaps* put other people in the place of those in the question (`Swaps`); the answer should be
about them what it was before. *Options* move the texts of lettered options on by one letter (`moved`); the answer
should name the same text. An answer that does not stay is one that the case did not give.

Counterfactual fairness as in Kusner et al. 2017 (arXiv 1703.06856), by words in place of a causal model: what only
follows from a name (an address, a school) stays. Moved options: Zheng et al. 2023 (arXiv 2309.03882).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from shipworthy.core.errors import UsageError

_OPTION = re.compile(r"(?<![\w(])\(?([A-H])[).:][ \t]+(?=\S)")
_ENDS = re.compile(r"[.?!](?=\s|$)|[ \t]*\n")
_FIRST = re.compile(r"^\W*(yes|no|true|false)\b", re.IGNORECASE)


class Option(NamedTuple):
    """A lettered option of a question: ``A) the nurse``; its text is ``question[start:end]``."""

    letter: str
    start: int
    end: int


class Swaps:
    """Words that change places: each of a pair stands where the other stood, in one pass.

    Whole words, case ignored; a word that begins with a capital, or is all capitals, is replaced by one that is.

    Args:
        pairs: ``(word, counterpart)``; a word may be several. One that is the counterpart of several others stands for
            each of them, and is itself replaced by none: a reference.

    Raises:
        UsageError: there is no pair, a pair is none, a word is empty, or a word has two counterparts.
    """

    def __init__(self, pairs: Sequence[Sequence[str]]) -> None:
        couples = [[" ".join(str(word).split()) for word in pair] for pair in pairs if not isinstance(pair, str)]
        wrong = [pair for pair in couples if len({word.casefold() for word in pair if word}) != 2 or len(pair) != 2]
        if wrong or len(couples) < len(pairs) or not couples:
            raise UsageError("swaps are pairs of two different words" + (f", not {wrong[0]!r}" if wrong else ""))
        other: dict[str, str] = {}
        for first, second in couples:
            if other.setdefault(first.casefold(), second) != second:
                raise UsageError(f"swaps: {first!r} has two counterparts")
        shared = Counter(second.casefold() for second in other.values())
        for first, second in couples:
            if shared[second.casefold()] == 1:
                other.setdefault(second.casefold(), first)
        self._other = other
        longest = sorted(other, key=len, reverse=True)
        self._any = re.compile(
            r"(?<!\w)(?:" + "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in longest) + r")(?!\w)",
            re.IGNORECASE,
        )

    def swap(self, text: str) -> str:
        """Return the text with every word in its counterpart's place.

        >>> Swaps([["Karen", "Kevin"], ["her", "his"]]).swap("Karen and Kevin. HER turn.")
        'Kevin and Karen. HIS turn.'
        """
        return self._any.sub(self._counterpart, text)

    def _counterpart(self, match: re.Match[str]) -> str:
        said = match.group()
        new = self._other.get(" ".join(said.split()).casefold(), said)
        if said.isupper() and len(said) > 1:
            return new.upper()
        return new[0].upper() + new[1:] if said[0].isupper() else new


def options_of(question: str) -> list[Option]:
    """Return the lettered options of a question, from A on, without a gap; nothing for fewer than two.

    An option goes to the next one; the last one to the end of its sentence or line.

    >>> [o.letter for o in options_of("Who? A) Ada B) Bo C) It cannot be told. Answer with the letter.")]
    ['A', 'B', 'C']
    """
    found: list[re.Match[str]] = []
    for match in _OPTION.finditer(question):
        if match[1] == "A":  # the last list is the one that is asked about
            found = [match]
        elif found and match[1] == chr(ord(found[-1][1]) + 1):
            found.append(match)
    if len(found) < 2:
        return []
    options = []
    for place, match in enumerate(found):
        stop = found[place + 1].start() if place + 1 < len(found) else _end(question, match.end())
        text = question[match.end() : stop]
        options.append(Option(match[1], match.end(), match.end() + len(text.rstrip(" \t\n,;"))))
    return options if all(one.start < one.end for one in options) else []


def _end(text: str, start: int) -> int:
    match = _ENDS.search(text, start)
    return match.start() if match else len(text)


def moved(question: str) -> str:
    """Return the question with the text of each option at the letter after its own, that of the last at A.

    >>> moved("Who? A) Ada B) Bo C) It cannot be told. Answer.")
    'Who? A) It cannot be told B) Ada C) Bo. Answer.'
    """
    options = options_of(question)
    if not options:
        return question
    texts = [question[one.start : one.end] for one in options]
    out, at = [], 0
    for one, text in zip(options, [texts[-1], *texts[:-1]], strict=True):
        out += [question[at : one.start], text]
        at = one.end
    return "".join(out) + question[at:]


def meant(answer: str, question: str) -> str:
    """Return what an answer says, in a form that can be compared: an option's text, yes or no, or the whole of it.

    Empty where the question has options and the answer names none of them, or more than one.

    >>> meant("B.", "Who? A) Ada B) Bo")
    'bo'
    >>> meant("No, she should not.", "Should she?")
    'no'
    """
    options = options_of(question)
    if options:
        return _chosen(answer, {one.letter: question[one.start : one.end] for one in options})
    first = _FIRST.match(answer)
    return first[1].lower() if first else _plain(answer)


def _chosen(answer: str, options: dict[str, str]) -> str:
    # A letter alone, in brackets, before a mark, or named as the answer: "A" in a sentence is an article.
    named_so = r"^\W*{0}\W*$|\({0}\)|(?<!\w){0}[).:]|\b(?i:option|answer|choice|letter)(?: is)?:? \W*{0}(?!\w)"
    letters = {letter for letter in options if re.search(named_so.format(letter), answer, re.MULTILINE)}
    texts = {letter for letter, text in options.items() if _plain(text) and _plain(text) in _plain(answer)}
    for named in (letters, texts):
        if len(named) == 1:
            return _plain(options[named.pop()])
    return ""


def said_for(otherwise: str, question: str) -> str:
    """Return a text as an answer to a question: with the letter of the option that says the same, if there is one."""
    for one in options_of(question):
        if _plain(question[one.start : one.end]) == _plain(otherwise):
            return f"{one.letter}) {otherwise}"
    return otherwise


def _plain(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))
