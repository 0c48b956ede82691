"""What an answer says over and over, and what it says back: small models do both, and neither is a word of its own."""

from __future__ import annotations

import re

_SENTENCE = re.compile(
    r"[^.!?\n\u3002\uff01\uff1f\u0964\u061f]+[.!?\u3002\uff01\uff1f\u0964\u061f\s]*|[.!?\s\u3002\uff01\uff1f\u0964\u061f]+"
)
_WORD = re.compile(r"\w+")
_LOOPS = 1 / 3
"""Of an answer's words: from this share said again on, it goes round in a loop."""
_RUN = 3
"""Words in a row that are compared with the request's."""
_BACK = 0.7
"""Of a sentence's runs: from this share that the request holds on, the sentence is said back."""
_FEW = 6
"""A shorter sentence is not called said back: it has too few runs to tell."""

_DENIES = frozenset(
    ["not", "no", "never", "nor", "cannot", "t", "nicht", "kein", "keine", "pas", "non", "nunca", "não", "niet", "geen"]
)
"""Words that deny; ``t`` is what is left of "can't"."""


def once(answer: str) -> str:
    """Return an answer that goes round in a loop with each of its sentences once; any other as it is.

    The last sentence goes, too, where it is the beginning of another: a limit cut it off.

    >>> once("I am not able to. I am not able to. I am not able to. I am")
    'I am not able to.'
    >>> once("No. No. That is a long way to go, and nobody has gone it yet.")
    'No. No. That is a long way to go, and nobody has gone it yet.'
    """
    seen: dict[tuple[str, ...], str] = {}
    again = words = 0
    last: tuple[str, ...] = ()
    for found in _SENTENCE.findall(answer):
        if key := tuple(_WORD.findall(found.lower())):
            words += len(key)
            again += len(key) * (key in seen)
            seen.setdefault(key, found)
            last = key
    if again < _LOOPS * max(words, 1):
        return answer
    if len(seen) > 1 and any(key != last and key[: len(last)] == last for key in seen):
        del seen[last]
    return "".join(seen.values()).strip()


def without_echo(answer: str, request: str) -> str:
    """Return an answer without the sentences that it says back to the request; as it is where there is none.

    A sentence that denies more than the request did turns it down, and is the answerer's own.

    >>> asked = "You are Max, a clerk who never turns anybody down."
    >>> without_echo("I am Max, a clerk who never turns anybody down. The shop opens at nine.", asked)
    'The shop opens at nine.'
    """
    runs, denied = set(_runs(request)), _denials(request)
    sentences = _SENTENCE.findall(answer)
    kept = [said for said in sentences if _denials(said) > denied or not _said_back(said, runs)]
    return answer if len(kept) == len(sentences) else "".join(kept).strip()


def _said_back(sentence: str, runs: set[tuple[str, ...]]) -> bool:
    own = _runs(sentence)
    return len(own) > _FEW - _RUN and sum(run in runs for run in own) >= _BACK * len(own)


def _denials(text: str) -> int:
    return sum(word in _DENIES for word in _WORD.findall(text.lower()))


def _runs(text: str) -> list[tuple[str, ...]]:
    words = _WORD.findall(text.lower())
    return [tuple(words[i : i + _RUN]) for i in range(len(words) - _RUN + 1)]
