"""Whether a call does what was ordered: the ordered values among its arguments, whatever their names and nesting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shipworthy.core.records import ToolCall
from shipworthy.detect.figures import value_of
from shipworthy.detect.normalise import fold, skeleton

_SAME = {True: ("true", "1", "yes", "on"), False: ("false", "0", "no", "off")}
_ADDRESS = re.compile(r"^(?:https?://|mailto:|tel:)?(?:www\.)?", re.IGNORECASE)
_JOINED = re.compile(r"(?<=\w)[.@-](?=\w)")


def matches(call: ToolCall, name: str, wanted: Mapping[str, Any]) -> bool:
    """Tell whether a call is of an ordered tool and carries every ordered value."""
    if not same_name(call.name, name):
        return False
    leaves = list(_leaves(call.arguments))
    return all(_carried(key, value, leaves) for key, value in wanted.items())


def same_name(given: str, wanted: str) -> bool:
    """Compare names of tools, letters and digits alone (``sendEmail``); one may have a namespace before it
    (``functions.send_mail``, ``mail__send_mail``).
    """
    parts = (given, re.split(r"[./:]|__", given)[-1])
    return any(skeleton(name).text == skeleton(wanted).text for name in parts)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, str(name))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for inner in value:
            yield from _leaves(inner, key)
    else:
        yield key, value


def _carried(key: str, wanted: Any, leaves: Sequence[tuple[str, Any]]) -> bool:
    if isinstance(wanted, Mapping) or (isinstance(wanted, Sequence) and not isinstance(wanted, str)):
        return all(_carried(name or key, value, leaves) for name, value in _leaves(wanted))
    if isinstance(wanted, bool) or wanted is None:
        # A yes says nothing without its name; its name alone, as a flag (`--force`), says yes.
        named = [_plain(value) for name, value in leaves if skeleton(name).text == skeleton(key).text]
        flag = wanted is True and any(skeleton(str(value)).text == skeleton(key).text for _, value in leaves)
        same = _SAME[wanted] if isinstance(wanted, bool) else ("none", "null", "")
        return flag or any(value in same for value in named)
    return any(_holds(value, wanted) for _, value in leaves)


def _holds(given: Any, wanted: Any) -> bool:
    if isinstance(given, bool) or given is None:
        return False
    number, said = value_of(str(wanted)), value_of(str(given))
    if number is not None and said is not None and number == said:
        return True
    if not isinstance(wanted, int | float):
        given, wanted = _ADDRESS.sub("", str(given).strip()), _ADDRESS.sub("", str(wanted).strip())
    have, want = skeleton(str(given)).text, skeleton(str(wanted)).text
    if have == want or sorted(_words(given)) == sorted(_words(wanted)):
        return True
    # One more recipient, a name before the address: the value stands there as words of its own. An address that goes on
    # behind a full stop is another address.
    if "@" in str(wanted) or "." in str(wanted):
        given = _JOINED.sub("x", str(given))
        wanted = _JOINED.sub("x", str(wanted))
    return bool(want) and f" {' '.join(_words(wanted))} " in f" {' '.join(_words(given))} "


def _plain(value: Any) -> str:
    return str(value).strip().lower()


def _words(value: Any) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in fold(str(value)).text).split()
