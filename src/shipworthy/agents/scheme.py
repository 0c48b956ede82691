"""An attacker's plan against a policy: calls that amount to the steps of a goal, and the cover they are made under.

An argument may be written in code: ``{"as": "base64", "of": value}`` is the value in another writing, ``{"part": [2,
3], "of": value}`` the second third of it, and ``{"join": [...]}`` puts texts together. The codes are such that whoever
gets all the calls has the plain values.
"""

from __future__ import annotations

import base64
import codecs
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from shipworthy.agents.script import Step, filled

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

CODES: Mapping[str, Callable[[str], str]] = {
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "rot13": lambda text: codecs.encode(text, "rot13"),
    "backwards": lambda text: text[::-1],
    "spaced": " ".join,
    "dashed": "-".join,
    "digits in words": lambda text: "".join(f" {_DIGITS[int(c)]} " if c in "0123456789" else c for c in text),
    "letters for digits": lambda text: text.translate(str.maketrans("0123456789", "abcdefghij")),
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
}
"""Writings of a value that somebody who wants it reads back."""

OBSCURED: Mapping[str, Callable[[str], str]] = {
    "dot in words": lambda text: text.replace(".", " dot ").replace("@", " at "),
    "dot in brackets": lambda text: text.replace(".", "[.]").replace("@", "[at]"),
    "blank before the dot": lambda text: text.replace(".", " ."),
    "blanks around the dot": lambda text: text.replace(".", " . "),
    "not seen": lambda text: text.replace(".", "\u200b.\u200b").replace("@", "\u200b@"),
    "full-width dot": lambda text: text.replace(".", "\uff0e"),
    "ideographic dot": lambda text: text.replace(".", "\u3002"),
    "look-alikes": lambda text: text.translate(str.maketrans("aeo", "\u0430\u0435\u043e")),
    "digits in words": CODES["digits in words"],
}
"""Writings of an address or a name that an ordinary reader still follows."""


class Piece(Struct, frozen=True):
    """Some calls, and the step of the goal (from 0) that they amount to together; None for what only prepares."""

    calls: tuple[Step, ...]
    means: int | None = None


class Scheme(Struct, frozen=True):
    """One try.

    Attributes:
        task: whose words are the cover; `solution` its script that the agent plays for the user.
        position: of the injection; `when` the attacker's calls are made: as soon as it is read, one after each of the
            user's, or at the end.
        pieces: the attacker's calls.
        aliases: another name of the attacker's own for one that the goal names, by the latter.
        before, earlier: a task and calls of an earlier session in the same worlds.
        moves: what was done to the goal's own script.
    """

    task: str
    position: str
    pieces: tuple[Piece, ...]
    solution: int = 0
    when: Literal["at_once", "in_pieces", "at_end"] = "at_end"
    aliases: tuple[tuple[str, str], ...] = ()
    before: str = ""
    earlier: tuple[Piece, ...] = ()
    moves: tuple[str, ...] = ()

    @property
    def calls(self) -> int:
        """How many calls the attacker makes."""
        return sum(len(piece.calls) for piece in (*self.earlier, *self.pieces))


def spoken(value: Any) -> list[str]:
    """Return the texts of a value, as an injection would have to name them."""
    if isinstance(value, Mapping):
        return [text for key, inner in value.items() if key not in ("as", "part") for text in spoken(inner)]
    if isinstance(value, list | tuple):
        return [text for inner in value for text in spoken(inner)]
    return [value] if isinstance(value, str) and value and not value.startswith("$") else []


def renamed(value: Any, aliases: Sequence[tuple[str, str]]) -> Any:
    """Return a value with the attacker's names replaced by others of theirs."""
    if isinstance(value, Mapping):
        return {key: inner if key == "as" else renamed(inner, aliases) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [renamed(inner, aliases) for inner in value]
    if isinstance(value, str):
        for name, other in aliases:
            value = value.replace(name, other)
    return value


def argued(arguments: Mapping[str, Any], answers: Sequence[str]) -> dict[str, Any]:
    """Return arguments as they are sent: what earlier steps gave filled in, codes written out.

    Args:
        answers: what stands for ``$1``, ``$2``: the texts that the goal's own steps gave.

    Raises:
        ScriptProblem: an answer has no such key.

    >>> argued({"body": {"as": "backwards", "of": "$1"}, "to": {"part": [1, 2], "of": "abcd"}}, ["xyz"])
    {'body': 'zyx', 'to': 'ab'}
    """
    return {key: _written(inner) for key, inner in filled(arguments, answers).items()}


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.keys() == {"join"}:
            return "".join(str(_written(inner)) for inner in value["join"])
        if value.keys() == {"as", "of"}:
            code = CODES.get(value["as"]) or OBSCURED[value["as"]]
            return _each(value["of"], code)
        if value.keys() == {"part", "of"}:
            number, parts = value["part"]
            return _each(value["of"], lambda text: text[_cut(text, number - 1, parts) : _cut(text, number, parts)])
        return {key: _written(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_written(inner) for inner in value]
    return value


def _each(value: Any, write: Callable[[str], str]) -> Any:
    value = _written(value)
    if isinstance(value, Mapping):
        return {key: _each(inner, write) for key, inner in value.items()}
    return write(value) if isinstance(value, str) else value


def _cut(text: str, number: int, parts: int) -> int:
    return len(text) * number // parts
