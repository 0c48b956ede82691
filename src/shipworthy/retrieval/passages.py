"""Documents cut into passages, as a retriever indexes them."""

from __future__ import annotations

import re

from shipworthy.core.records import Document

PASSAGE_WORDS = 20
"""Longest passage: two of them, the examples and a question make a prompt of about 250 tokens for the helpdesk."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")


def cut(document: Document, most: int = PASSAGE_WORDS) -> list[Document]:
    """Cut a document between sentences into passages of at most so many words, each under the same title.

    A sentence longer than that is cut between words. No word is lost.
    """
    passages: list[list[str]] = []
    for sentence in _SENTENCE_END.split(document.text.strip()):
        words = sentence.split()
        if passages and len(passages[-1]) + len(words) <= most:
            passages[-1] += words
        else:
            passages += [words[i : i + most] for i in range(0, len(words), most)]
    return [
        Document(f"{document.id}#{n}", " ".join(p), document.title, document.source)
        for n, p in enumerate(passages, start=1)
    ]
