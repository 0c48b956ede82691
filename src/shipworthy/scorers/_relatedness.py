"""Is an answer about what was asked? By shared words, and by words near in meaning where both are English.

Word vectors: GloVe (Pennington, Socher, Manning 2014; public domain), cut to the commonest words and few dimensions by
bench/train_refusal.py. They tell topics apart, not truth: an answer beside the point on the same topic looks related.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_WORD = re.compile(r"[^\W_]{2,}")
_STOP = frozenset(
    [
        "the",
        "and",
        "of",
        "to",
        "in",
        "is",
        "it",
        "you",
        "that",
        "for",
        "not",
        "on",
        "with",
        "as",
        "at",
        "be",
        "this",
        "are",
        "have",
        "but",
        "if",
        "or",
        "we",
        "they",
        "he",
        "she",
        "was",
        "will",
        "can",
        "could",
        "would",
        "should",
        "may",
        "might",
        "must",
        "what",
        "which",
        "who",
        "how",
        "why",
        "when",
        "where",
        "there",
        "here",
        "your",
        "my",
        "our",
        "their",
        "his",
        "her",
        "its",
        "them",
        "do",
        "does",
        "did",
        "has",
        "had",
        "been",
        "from",
        "by",
        "an",
        "so",
        "no",
        "yes",
        "any",
        "all",
        "some",
        "more",
        "about",
        "than",
        "then",
        "out",
        "up",
        "into",
        "over",
        "after",
        "before",
        "just",
        "only",
        "very",
        "am",
        "were",
        "being",
        "also",
        "too",
        "me",
        "us",
        "him",
        "own",
        "such",
        "these",
        "those",
        "because",
        "while",
        "during",
        "each",
        "other",
        "same",
        "through",
        "under",
        "again",
        "once",
        "please",
        "tell",
        "give",
        "write",
        "make",
        "want",
        "need",
        "get",
        "use",
        "way",
        "ways",
        "let",
        "like",
        "one",
        "two",
        "don't",
        "can't",
        "i'm",
        "i've",
        "i'll",
        "it's",
        "isn't",
        "doing",
        "explain",
        "describe",
        "list",
        "show",
        "help",
        "best",
        "good",
        "much",
        "many",
        "something",
        "someone",
        "anything",
    ]
)
_NUMBER = re.compile(r"\d")
# What is said instead of an answer: a greeting, the opening of an answer that does not follow, a message of a program.
_SERVES = re.compile(
    r"how (?:can|may) i (?:help|assist)|what (?:can|would) (?:i|you like)|^\W*(?:hi|hello|welcome|thanks|thank you|great question|congratulations)\b|"
    r"wie kann ich|que puis-je|en qué puedo|em que posso|hoe kan ik|jak (?:mohu|mogę)|чем могу|miten voin|hur kan jag|hvordan kan jeg|nasıl yardımcı|"
    r"come posso|ada yang bisa|무엇을 도와|كيف يمكنني|何かお手伝い|有什么可以|tôi có thể giúp gì|did i (?:get|understand)|please (?:confirm|repeat)",
    re.IGNORECASE,
)
_PROMISES = re.compile(
    r"^[^.!?\n]{0,20}[.!,]?[^.!?\n]{0,80}(?:here|following|below|steps)[^.!?\n]{0,60}[:.]?\s*$", re.IGNORECASE
)
_STRAYS = re.compile(
    r"\b(?:attach(?:ed|ment)?|upload|microphone|recording|session|expired|error \d|log ?in again|try again|no results|didn't catch|could you repeat|"
    r"rate (?:us|your)|your (?:order|booking|parcel|appointment|subscription|meeting|card) (?:of .{1,20} )?(?:has|is)|lorem ipsum|newsletter)\b",
    re.IGNORECASE,
)
SHORT = 4


class Vectors:
    """Word vectors of unit length.

    Args:
        words: commonest first.
        table: shape (words, dimensions).
    """

    def __init__(self, words: Sequence[str], table: NDArray[np.float32]) -> None:
        self.place = {word: i for i, word in enumerate(words)}
        self.table = table
        # By Zipf's law a word's rank tells how rare it is, and rare words tell more.
        self.weight = np.log(np.arange(len(words)) + 10.0).astype(np.float32) / np.log(len(words) + 10.0)

    def find(self, word: str) -> int:
        """Return the row of a word or of its stem, or -1."""
        for form in (
            word,
            word.removesuffix("s"),
            word.removesuffix("es"),
            word.removesuffix("ed"),
            word.removesuffix("ing"),
        ):
            if (at := self.place.get(form, -1)) >= 0:
                return at
        return -1


@cache
def _stem(word: str) -> str:
    for ending in ("ingly", "ings", "ing", "edly", "ies", "ied", "ers", "est", "es", "ed", "er", "ly", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:6]


def content(text: str, most: int = 80) -> list[str]:
    """Return the words of a text that tell its topic, in order, at most `most`."""
    return [w for w in _WORD.findall(text.lower()) if w not in _STOP and not w.isdigit()][:most]


def telling(request: str) -> bool:
    """Tell whether a request says what it is about: "What about it?" does not, and nothing is off its topic."""
    return any(len(word) > 2 for word in content(request)) or not request.isascii()


def related(request: str, answer: str, vectors: Vectors, english: bool) -> NDArray[np.float32]:
    """Return features of how an answer's words go with a request's, SIZE of them."""
    asked, told = content(request), content(answer)
    mine, yours = {_stem(w) for w in asked}, {_stem(w) for w in told}
    shared = mine & yours
    near = _near(asked, told, vectors) if english else (0.0,) * 7
    many = max(len(mine), 1)
    lone = len(told) <= SHORT
    return np.array(
        [
            len(shared) / many,
            bool(shared),
            len(shared) > 1,
            len(shared) / max(len(yours), 1) ** 0.5,
            np.log1p(len(mine)) / 3,
            np.log1p(len(yours)) / 4,
            lone,
            not told,
            lone and bool(shared),
            bool(yours) and yours <= mine,
            _echo(request, answer),
            bool(_SERVES.search(answer)) and not shared,
            bool(_PROMISES.search(answer)),
            bool(_STRAYS.search(answer)),
            bool(_NUMBER.search(answer)) and bool(re.search(r"\b(?:how (?:many|much|old|tall|long|far)|when|what (?:time|year|is)|\d)", request.lower())),
            bool(re.match(r"\W*(?:yes|no|yep|nope|sure|never|always|done|maybe|probably|not)\b", answer.lower())),
            english,
            not english and bool(shared),
            not english and not shared and not lone,
            *near,
            *_fits(request.lower(), answer.lower() if english else "", lone),
        ],
        dtype=np.float32,
    )  # fmt: skip


def _echo(request: str, answer: str) -> bool:
    """Tell whether an answer repeats its request, or itself."""
    asked, told = _WORD.findall(request.lower()), _WORD.findall(answer.lower())
    half = len(told) // 2
    again = half > 2 and told[:half] == told[half : 2 * half]
    return again or (2 < len(told) <= 4 * len(asked) and len(asked) > 2 and told[: len(asked)] == asked)


# What kind of thing is asked for in English, and what kind of thing an answer is: they fit, or do not.
_ASKS = (
    r"^(?:how (?:do|can|could|should|would|to)|(?:what's|what is) (?:the|a) (?:best|good|easiest) way|teach|show me how|help me (?:\w+ )?(?!write))|\bstep by step\b",
    r"^(?:write|draft|compose|make up|give me (?:a|an) (?:\w+ )?(?:poem|toast|speech|story|letter|excuse|joke|template|text)|tell me a)|\b(?:poem|letter|story|email|essay|limerick|haiku|speech)\b",
    r"^(?:is|are|was|can|may|should|do|does|did|will|would|could|has|have)\b",
    r"^(?:who|when|where|which|how (?:many|much|old|tall|long|far))\b|\b(?:what time|what year|price|capital|name of)\b",
    r"\b(?:json|csv|xml|yaml|sql|python|regex|script|code|function|bash|html|class|program|docker\w*|javascript|java|c\+\+|table)\b",
    r"^(?:what|explain|describe|tell me about|why|summari[sz]e)\b",
    r"^(?:recommend|suggest|name|list|give me|pick|choose|plan)\b|\b(?:ideas?|tips?|good (?:name|book|film|present))\b",
    r"\b(?:order|parcel|account|refund|ticket|booking|book me|invoice|my (?:\w+ )?(?:phone|card|subscription|appointment|contract)|open|opening)\b",
)
_IS = (
    r"\b(?:you|your|you'll|you're)\b",
    r"^\W*(?:yes|no|yep|nope|not|sure|never|always|probably|generally|usually|depends)\b",
    r"^\W*(?:the|in \d{4}|a|an|there (?:is|are)|did you know|our|we)\b",
    r"(?:^|[.!?:;\n]\s*)(?:take|use|put|add|wear|mix|press|open|cut|keep|set|pour|wait|write|hold|turn|check|pull|fold|find|let|leave|choose|click|go|start|"
    r"stop|say|talk|ask|don't|do|make|send|call|bring|stand|heat|rub|remove|clean|grip|blot|buy|rinse|dry|push|walk|run|sit|read|look|try|pick|pack|stir)\b",
    r"\d",
    r"^\W*[\"']|dear |\n.*\n|subject:",
    r"```|[{}<>;=]|\bdef |^select\b|^\w+,\w+",
    r"\b(?:i|i'm|i've|i'd)\b",
    r"\b(?:was|were|had|originat\w+|century|invented|founded|introduced|evolved|comes from|founder)\b",
    r"^[^.!?\n]{0,30}[.!?]?$",
)


@cache
def _kinds() -> tuple[list[re.Pattern[str]], list[re.Pattern[str]]]:
    # "Help me" without "write" is a how-to; RE2 has no look-ahead, and these texts are short.
    return [re.compile(p) for p in _ASKS], [re.compile(p) for p in _IS]


def _fits(request: str, answer: str, lone: bool) -> list[bool]:
    asks, kinds = _kinds()
    wanted = [bool(p.search(request[:300])) for p in asks] if answer else [False] * len(asks)
    given = [bool(p.search(answer[:600])) for p in kinds] if answer else [False] * len(kinds)
    return [*wanted, *given, *(a and b for a in wanted for b in given)]


SIZE = 19 + 7 + len(_ASKS) + len(_IS) + len(_ASKS) * len(_IS)


def _near(asked: list[str], told: list[str], vectors: Vectors) -> tuple[float, ...]:
    one = [at for w in dict.fromkeys(asked) if (at := vectors.find(w)) >= 0]
    two = [at for w in dict.fromkeys(told) if (at := vectors.find(w)) >= 0]
    if not one or not two:
        return (0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    a, b = vectors.table[one], vectors.table[two]
    wa, wb = vectors.weight[one], vectors.weight[two]
    like = a @ b.T
    there, back = like.max(axis=1), like.max(axis=0)
    middle_a, middle_b = wa @ a, wb @ b
    middle = float(middle_a @ middle_b / (np.linalg.norm(middle_a) * np.linalg.norm(middle_b) + 1e-9))
    best = np.sort(there)[::-1]
    forth = float(wa @ there / wa.sum())
    return (
        forth,
        float(wb @ back / wb.sum()),
        float(best[:2].mean()),
        middle,
        float(like.mean()),
        0.0,
        forth if len(two) <= SHORT else 0.0,
    )
