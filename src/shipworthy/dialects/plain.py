"""A request as one text, for systems that take one; refuses rather than leave part of a conversation out."""

from __future__ import annotations

from shipworthy.core.errors import TargetError
from shipworthy.core.records import Message, Request, Text
from shipworthy.dialects.documents import DocumentsTemplate


def only_text(request: Request, documents: DocumentsTemplate, *, taker: str) -> str:
    """Return the text of a request that is one user turn, its planted documents placed before it.

    Raises:
        TargetError: the request holds more than that. Leaving it out would measure another conversation.
    """
    if len(request.messages) != 1 or request.messages[0].role != "user":
        roles = ", ".join(m.role for m in request.messages) or "none"
        raise TargetError(f"{taker} takes one user turn, and this request holds the turns: {roles}")
    return plain(documents.place(request)[0], taker=taker)


def plain(message: Message, *, taker: str) -> str:
    """Return the text of a message of text parts.

    Raises:
        TargetError: it has other parts.
    """
    for part in message.parts:
        if not isinstance(part, Text):
            raise TargetError(f"{taker} takes text, and this sample holds a part of type {type(part).__name__}")
    return message.text
