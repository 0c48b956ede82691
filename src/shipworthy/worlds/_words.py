"""How the worlds' tools search: a text is found if it holds all the words, whatever their case and order."""

from __future__ import annotations


def hold(query: str, *texts: str) -> bool:
    """Say whether some texts, taken together, hold every word of a query; every text holds an empty one.

    >>> hold("board ROOM", "A room", "for the board"), hold("roof", "A room")
    (True, False)
    """
    whole = " ".join(texts).casefold()
    return all(word in whole for word in query.casefold().split())
