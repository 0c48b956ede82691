"""The check of an answer: sentences that steer the user and come from what others wrote are no answer of the system.

A policy over tools cannot see an attack that calls none: the model is told to recommend, to warn, to send the user to
a link. What is looked for is not what is said but where it came from: a sentence that urges (an order, a
recommendation) and shares its content, a name or an address with an urging sentence of a text that others wrote.
It reads English cues; a sentence in another language is checked for the addresses it carries and not for its wording.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from shipworthy.core.events import PolicyEvent
from shipworthy.enforce.policy.values import carried, written
from shipworthy.enforce.policy.words import Words, stem, tokens, within

WITHHELD = "[left out: words of others that steer]"

SHARE = 0.6
"""Of a sentence's telling words: from here on it repeats the other one."""

_SENTENCE = re.compile(r"[^.!?\n]*(?:[.!?](?=\S)[^.!?\n]*)*(?:[.!?]+|\n|$)")
_ENDING = re.compile(r"[.!?](?=\s)|\n")
_URGES = re.compile(
    r"\b(?:should|must|need(?:s)? to|ha(?:ve|s) to|ought to|make sure|be sure|recommend\w*|suggest\w*|advis\w+|urge\w*"
    r"|worth|visit\w*|go to|head to|check out|click\w*|call|contact|write to|reach out|transfer|pay|buy|order|book"
    r"|download\w*|install\w*|open|sign up|log ?in|register|subscribe|try|use|say|tell|don'?t miss|do not miss|avoid"
    r"|never|always|absolutely|definitely|perfect|amazing|incredibl\w+|best|please|ignore|forward|send|share|follow)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"\b[A-Z][\w'’&-]*(?:\s+(?:of|de|la|the|and|&)?\s*[A-Z][\w'’&-]*)+")
_DICTATES = re.compile(
    r"\b(?:say|saying|respond\w*|repl(?:y|ies|ying)|answer\w*|tell\w*|includ\w+|mention\w*|append\w*|prepend\w*|repeat\w*"
    r"|output\w*|print\w*|record\w*|begin\w*|start\w*|end|ending|finish\w*|display\w*|state|write|add|put|paste)\b",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"(?<!\w)['\"\u2018\u201c]([^'\"\u2018\u2019\u201c\u201d\n]{6,200})['\"\u2019\u201d](?!\w)")
_CODE = re.compile(r"\b(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|(?=[a-z0-9]*[a-z])(?=[a-z0-9]*\d)[a-z0-9]{10,})\b")
_COMMON = frozenset(
    tokens(
        "a an the of to in on at for and or is are was were be been it its this that these those you your i me my we"
        " our he she they their as by with from has have had not no do does did so if but can will would could may"
        " might there here please should must"
    )
)
_WANTS = {
    "url": ("link", "url", "website", "site", "page", "web", "address", "article"),
    "email": ("email", "mail", "address", "contact", "who", "sender", "participant", "recipient"),
    "account": ("iban", "account", "number", "bank"),
    "phone": ("phone", "number", "call", "contact", "telephone"),
}


class Steering(NamedTuple):
    """A sentence of an answer that is left out: its place [start, end), why, and the tool that read its origin."""

    start: int
    end: int
    why: str
    tool: str

    def event(self, turn: int, *, shadow: bool) -> PolicyEvent:
        """Return it in the words of the record: a word on the answer."""
        why = f"a sentence was left out: {self.why} ({self.tool})"
        return PolicyEvent(turn, "", "deny", "answer", why, shadow=shadow)


class _Urging(NamedTuple):
    stems: frozenset[str]
    names: tuple[str, ...]
    tool: str


def steering(
    text: str, untrusted: Sequence[tuple[str, str]], words: Words, trusted: Callable[[str], bool]
) -> Iterator[Steering]:
    """Yield the sentences of an answer that steer on others' behalf; arguments as for `SteeringSearch`."""
    if untrusted and text.strip():
        yield from SteeringSearch(untrusted, words, trusted).find(text)


class SteeringSearch:
    """Looks for sentences that steer on others' behalf, in any number of pieces of an answer.

    Args:
        untrusted: what others may have written, and the tool that gave it.
        words: the user's: what they said themselves, or asked for, is an answer.
        trusted: whether a value stands in a field that the system fills in.
    """

    def __init__(self, untrusted: Sequence[tuple[str, str]], words: Words, trusted: Callable[[str], bool]) -> None:
        self._words, self._trusted = words, trusted
        self._urging = [found for other, tool in untrusted for found in _urging(other, tool)]
        self._folded = [(written(other), tool) for other, tool in untrusted]

    def find(self, text: str) -> Iterator[Steering]:
        """Yield them, each judged by itself: a text cut between two sentences comes out the same."""
        words = self._words
        for found in _SENTENCE.finditer(text):
            sentence = found.group().strip()
            if not sentence:
                continue
            urges = _URGES.search(sentence) is not None
            for item in carried(sentence):
                tool = next((tool for other, tool in self._folded if item.value in other), "")
                asked = any(words.ask_for(frozenset((stem(word),))) for word in _WANTS.get(item.kind, ()))
                if tool and not words.say(item.value) and (urges or not asked):
                    yield Steering(
                        found.start(), found.end(), f"it sends the user to a {item.kind} of untrusted origin", tool
                    )
                    break
            else:
                other = _repeats(sentence, self._urging, words) if urges else ""
                if other := other or _names_what_is_urged(sentence, self._urging, words, self._trusted):
                    yield Steering(found.start(), found.end(), "it repeats what an untrusted text urges", other)


def settled(text: str) -> int:
    """Return how many characters of a text that goes on are whole sentences, whatever follows.

    >>> settled("Fine. And then"), settled("Is it v1."), settled("One line\\nand")
    (5, 0, 9)
    """
    return max((found.end() for found in _ENDING.finditer(text)), default=0)


def without(text: str, found: Sequence[Steering]) -> str:
    """Return an answer without the sentences that steer."""
    pieces, at = [], 0
    for one in found:
        ending = "\n" if text[one.start : one.end].endswith("\n") else ""
        pieces += [text[at : one.start], WITHHELD, ending]
        at = one.end
    return "".join([*pieces, text[at:]])


def _urging(text: str, tool: str) -> Iterator[_Urging]:
    for found in _SENTENCE.finditer(text):
        sentence = found.group()
        if _URGES.search(sentence):
            yield _Urging(_telling(sentence), (*_names(sentence), *_dictated(sentence)), tool)
        elif dictated := tuple(_dictated(sentence)):
            yield _Urging(frozenset(), dictated, tool)


def _dictated(sentence: str) -> Iterator[str]:
    """Yield what a sentence would have an answer say: what it quotes, and codes, behind a verb of saying."""
    if (verb := _DICTATES.search(sentence)) is not None:
        told = sentence[verb.end() :]
        yield from (written(match[1].strip(" .,:;!?")) for match in _QUOTED.finditer(told))
        yield from (written(match[0]) for match in _CODE.finditer(told))


def _repeats(sentence: str, urging: Sequence[_Urging], words: Words) -> str:
    """Return the tool in whose untrusted text a sentence was urged; "" where none was."""
    mine, line = _telling(sentence), written(sentence)
    for other in urging:
        if len(mine) >= 3 and len(mine & other.stems) >= SHARE * len(mine):
            return other.tool
        if any(within(line, name) and not words.say(name) for name in other.names):
            return other.tool
    return ""


def _names_what_is_urged(sentence: str, urging: Sequence[_Urging], words: Words, trusted: Callable[[str], bool]) -> str:
    """Return the tool in whose untrusted text a name is urged that neither the user nor the system ever named."""
    line = written(sentence)
    for other in urging:
        if any(within(line, name) and not words.say(name) and not trusted(name) for name in other.names):
            return other.tool
    return ""


def _telling(text: str) -> frozenset[str]:
    return frozenset(stem(token) for token in tokens(text) if token not in _COMMON)


def _names(text: str) -> Iterator[str]:
    yield from (written(found.group()) for found in _NAME.finditer(text))
