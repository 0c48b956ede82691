"""BM25 over short passages: small, deterministic, no dependency."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from shipworthy.core.records import Document

# fmt: off
STOP = frozenset((
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "by", "can", "do", "does", "for", "from", "has",
    "have", "how", "i", "if", "in", "is", "it", "its", "me", "my", "of", "on", "or", "our", "please", "should", "so",
    "tell", "that", "the", "their", "them", "there", "they", "this", "to", "us", "was", "we", "what", "when", "where",
    "which", "who", "whose", "will", "with", "would", "you", "your",
))
# fmt: on
_WORD = re.compile(r"[a-z0-9]+")
_PLURAL = re.compile(r"(?<=[a-z]{3})(?<!s)s$")


def terms(text: str) -> list[str]:
    """Return the words that are indexed: NFKC, lower case, ASCII letters and digits, no stop words, no plural s.

    >>> terms("Where are the Printers?")
    ['printer']
    """
    words = _WORD.findall(unicodedata.normalize("NFKC", text).lower())
    return [_PLURAL.sub("", word) for word in words if word not in STOP]


class Bm25:
    """An index of documents; further documents may compete in one search without entering it.

    Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the idf of Lucene,
    which is never negative. Wrong for questions that share no word with the answer, and for languages without
    spaces or outside ASCII.

    Args:
        documents: title and text are indexed together.
        k1: how soon a repeated word stops counting, >= 0.
        b: how much long documents are held back, in [0, 1].
    """

    def __init__(self, documents: Sequence[Document], *, k1: float = 1.2, b: float = 0.75) -> None:
        self.k1, self.b = k1, b
        self.documents = tuple(documents)
        self._counts = tuple(_counts(d) for d in self.documents)

    def search(self, query: str, k: int, extra: Sequence[Document] = ()) -> tuple[Document, ...]:
        """Return at most `k` documents that share a word with the query, best first; equals in the order of the index.

        Args:
            query: free text.
            k: how many, >= 0.
            extra: documents that compete in this search alone. Their words count in the statistics too.
        """
        documents = (*self.documents, *extra)
        counts = (*self._counts, *(_counts(d) for d in extra))
        if not documents:
            return ()
        sizes = [sum(c.values()) for c in counts]
        mean = sum(sizes) / len(sizes) or 1.0
        scores = [0.0] * len(documents)
        for term in dict.fromkeys(terms(query)):
            holders = [i for i, c in enumerate(counts) if term in c]
            idf = math.log1p((len(documents) - len(holders) + 0.5) / (len(holders) + 0.5))
            for i in holders:
                tf = counts[i][term]
                scores[i] += idf * tf * (self.k1 + 1) / (tf + self.k1 * (1 - self.b + self.b * sizes[i] / mean))
        ranked = sorted((i for i, score in enumerate(scores) if score > 0), key=lambda i: (-scores[i], i))
        return tuple(documents[i] for i in ranked[:k])


def _counts(document: Document) -> Counter[str]:
    return Counter(terms(f"{document.title} {document.text}"))
