"""Whose a span is: the names that may never be written down, and are turned into keys and pseudonyms."""

from __future__ import annotations

from typing import NamedTuple


class Whose(NamedTuple):
    """The person whom a span is about, and their conversation, as the sender calls them; empty where it says neither.

    Content of a span that names nobody is kept under a key of its session, or else of its trace.
    """

    subject: str = ""
    session: str = ""
