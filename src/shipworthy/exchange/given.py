"""What an asker gives, checked: records are not checked when they are made, and an attack's may be anything."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.core.errors import AttackError
from shipworthy.core.messages import Document, Message, is_sound, say


def given_messages(messages: Sequence[Message] | str) -> tuple[Message, ...]:
    """Return a conversation.

    Raises:
        AttackError: it is empty, or no conversation.
    """
    if isinstance(messages, str):
        return (say("user", messages),)
    said = tuple(messages)
    if said and all(map(is_sound, said)):
        return said
    if said and all(isinstance(message, Message) for message in said):
        try:
            return msgspec.convert(msgspec.to_builtins(said), tuple[Message, ...])
        except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
            raise AttackError(f"the conversation to send is none ({type(error).__name__}: {error})") from None
    raise AttackError("the conversation to send is empty, or holds something that is no message")


def given_documents(documents: Sequence[Document]) -> tuple[Document, ...]:
    """Return documents to plant.

    Raises:
        AttackError: one of them is none.
    """
    if not documents:
        return ()
    try:
        return msgspec.convert(msgspec.to_builtins(tuple(documents)), tuple[Document, ...])
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise AttackError(f"a document to plant is none ({type(error).__name__}: {error})") from None
