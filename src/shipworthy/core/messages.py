"""What is said: messages of typed parts, and the pieces of a message that arrives as a stream."""

from __future__ import annotations

from typing import Any, Literal, cast, get_args

from msgspec import Struct

from shipworthy.core.text import Bytes, Content, Name

Role = Literal["system", "user", "assistant", "tool"]


class Text(Struct, frozen=True, gc=False, tag="text", tag_field="type"):
    text: Content


class Reasoning(Struct, frozen=True, gc=False, tag="reasoning", tag_field="type"):
    """What a model thought aloud on a channel of its own. No part of the answer."""

    text: Content


class Image(Struct, frozen=True, gc=False, tag="image", tag_field="type"):
    """An image: base64 data or a ``data:``/``https:`` address, never both."""

    media_type: Name
    data: Bytes = ""
    url: Bytes = ""


class Audio(Struct, frozen=True, gc=False, tag="audio", tag_field="type"):
    """A sound, base64."""

    media_type: Name
    data: Bytes


class ToolCall(Struct, frozen=True, tag="tool_call", tag_field="type"):
    """The assistant asks for a tool. `arguments` is the parsed JSON object.

    Identifiers and names are chosen by the system under test: they are content like any other text of it.
    """

    id: Content
    name: Content
    arguments: dict[str, Any] = {}


class ToolResult(Struct, frozen=True, gc=False, tag="tool_result", tag_field="type"):
    """What a tool answered."""

    id: Content
    name: Content
    text: Content
    is_error: bool = False


MessagePart = Text | Reasoning | Image | Audio | ToolCall | ToolResult


class Message(Struct, frozen=True, gc=False):
    """One turn of a conversation. Calls stand in an assistant's message, their results in a message of the tool."""

    role: Role
    parts: tuple[MessagePart, ...]

    @property
    def text(self) -> str:
        """All text of the message: text parts and tool results, joined by line feeds. No reasoning."""
        return "\n".join(p.text for p in self.parts if isinstance(p, Text | ToolResult))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        return tuple(p for p in self.parts if isinstance(p, ToolCall))


_ROLES = frozenset(get_args(Role))


def is_sound(message: object) -> bool:
    """Say whether a message is one of texts alone, to its last field: there is nothing to check or to copy in it.

    Records are not checked when they are made, and whoever takes one from a plug-in has to. This says at once of nearly
    all of them what `msgspec.convert` finds out in ten times the time; that other ones are wrong it does not say.
    """
    if type(message) is not Message:
        return False
    role, parts = cast(Any, message.role), cast(Any, message.parts)
    if type(role) is not str or role not in _ROLES or type(parts) is not tuple:
        return False
    for part in parts:  # noqa: SIM110 - a generator would take twice as long: it runs for every message
        if type(part) is not Text or type(part.text) is not str:
            return False
    return True


def say(role: Role, text: str) -> Message:
    """Return a message of one text part.

    >>> say("user", "Hello").text
    'Hello'
    """
    return Message(role, (Text(text),))


class Document(Struct, frozen=True, gc=False, omit_defaults=True):
    """A text that the system under test retrieves: from its own index, or planted there by a sample.

    Attributes:
        source: where it comes from, such as an address or a path, in the words that a guard's patterns use; "" where
            nobody says.
    """

    id: Content
    text: Content
    title: Content = ""
    source: Content = ""


class ToolSpec(Struct, frozen=True, omit_defaults=True):
    """A tool that may be called: its name, what it is for, and the JSON schema of its arguments."""

    name: Name
    description: Content = ""
    parameters: dict[str, Any] = {}


Channel = Literal["text", "reasoning", "refusal", "tool_call"]


class Delta(Struct, frozen=True, gc=False, omit_defaults=True):
    """A piece of an answer on its way.

    Attributes:
        text: the new characters; of a tool call, characters of its arguments as JSON text.
        channel: what they belong to; `index` tells parallel tool calls, or several choices, apart.
        id, name: of a tool call, with its first piece.
        choice: of a tool call, the choice that makes it; `index` is then its own among the calls of all choices.
    """

    text: Content
    channel: Channel = "text"
    index: int = 0
    id: Content = ""
    name: Content = ""
    choice: int = 0
