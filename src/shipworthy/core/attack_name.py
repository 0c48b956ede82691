"""What an attack is called: plug-ins with their parameters, one after another. Standard library only.

A name is what an attempt records, what a criterion or a plan asks for, and what tells two uses of one plug-in apart.
It can be read back: ``role_play(style=x) + base64`` is two plug-ins, of which the first has a parameter. The
stand-alone verifier reads names with this file, so it imports nothing else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

_ID = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_.-]+)?")
_KEY = re.compile(r'[^\s,()\[\]{}"=+]+')
_BARE = re.compile(r'[^\s,()\[\]{}"=+](?:[^,()\[\]{}"=+\x00-\x1f\x7f-\x9f\u2028\u2029]*[^\s,()\[\]{}"=+])?')
_PLUS = re.compile(r" *\+ *")


class ChainStep(NamedTuple):
    """One plug-in of a chain: its id, and its parameters as JSON values."""

    id: str
    params: Mapping[str, Any]

    def __str__(self) -> str:
        if not self.params:
            return self.id
        return f"{self.id}({','.join(f'{key}={_shown(self.params[key])}' for key in sorted(self.params))})"


class AttackName(NamedTuple):
    """A chain of plug-ins: the first changes the sample, the next one what the first has made of it."""

    steps: tuple[ChainStep, ...]

    def __str__(self) -> str:
        return " + ".join(map(str, self.steps))


def parse(text: str) -> AttackName:
    """Read a name.

    >>> parse("role_play(style=calm) + base64").steps[0]
    ChainStep(id='role_play', params={'style': 'calm'})
    >>> str(parse("payload_in_document( position = tail )+none"))
    'payload_in_document(position=tail) + none'

    Raises:
        ValueError: it is none; the text and the place in it are named.
    """
    steps, place = [], 0
    while True:
        step, place = _step(text, place)
        steps.append(step)
        if place == len(text):
            return AttackName(tuple(steps))
        plus = _PLUS.match(text, place)
        if plus is None:
            raise _wrong(text, place)
        place = plus.end()


def matches(wanted: str, name: str) -> bool:
    """Say whether an attack is one that was asked for.

    A plug-in's id asks for it with any parameters, a full name for these parameters only. In a chain this holds step by
    step, and a chain is not one of its steps: ``base64`` does not ask for ``role_play + base64``.

    >>> matches("role_play + base64", "role_play(style=calm) + base64")
    True
    >>> matches("base64", "role_play + base64")
    False
    """
    if wanted == name:
        return True
    asked, made = _read(wanted), _read(name)
    if asked is None or made is None or len(asked.steps) != len(made.steps):
        return False
    return all(_fits(*pair) for pair in zip(asked.steps, made.steps, strict=True))


def select(wanted: str | None, names: Iterable[str]) -> list[str]:
    """Return the names that were asked for, in their order; all of them if nothing was."""
    return [name for name in names if wanted is None or matches(wanted, name)]


@lru_cache(maxsize=4096)
def _read(text: str) -> AttackName | None:
    """Return a name read; None where it is none, so that it equals itself alone. Counting asks for every attempt."""
    try:
        return parse(text)
    except ValueError:
        return None


def _fits(asked: ChainStep, made: ChainStep) -> bool:
    # As text: to Python 1 and True are equal.
    return asked.id == made.id and (not asked.params or str(asked) == str(made))


def _shown(value: Any) -> str:
    """Return a parameter's value: text as it is where it can be read back, anything else as JSON."""
    if isinstance(value, str) and _BARE.fullmatch(value) and not _is_json(value):
        return value
    return json.dumps(value, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _is_json(text: str) -> bool:
    try:
        _DECODER.decode(text)
    except ValueError:
        return False
    return True


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_refuse)


def _step(text: str, place: int) -> tuple[ChainStep, int]:
    found = _ID.match(text, place)
    if found is None:
        raise _wrong(text, place)
    place = found.end()
    if text[place : place + 1] != "(":
        return ChainStep(found[0], {}), place
    params: dict[str, Any] = {}
    while True:
        key = _KEY.match(text, _skip(text, place + 1))
        if key is None or key[0] in params:
            raise _wrong(text, place + 1)
        place = _skip(text, key.end())
        if text[place : place + 1] != "=":
            raise _wrong(text, place)
        params[key[0]], place = _value(text, _skip(text, place + 1))
        if text[place] == ")":
            return ChainStep(found[0], params), place + 1


def _value(text: str, place: int) -> tuple[Any, int]:
    """Return a value and the place of the ``,`` or ``)`` after it."""
    try:
        value, end = _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        end = place
    else:
        end = _skip(text, end)
        if text[end : end + 1] in (",", ")") and text[end : end + 1]:
            return value, end
    end = min((at for at in (text.find(",", place), text.find(")", place)) if at >= 0), default=-1)
    bare = text[place:end].rstrip(" ")
    if end < 0 or not _BARE.fullmatch(bare):
        raise _wrong(text, place)
    return bare, end


def _skip(text: str, place: int) -> int:
    while text[place : place + 1] == " ":
        place += 1
    return place


def _wrong(text: str, place: int) -> ValueError:
    return ValueError(f"cannot read the attack {text!r} at {text[place : place + 20]!r}: write id, or id(key=value)")
