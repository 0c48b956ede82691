"""Shapes of JSON values: what a member of a pack may hold, checked before anything reads it. Standard library only.

A shape is a function of a value and of where it stands. It raises where the value is not of the shape; what it lets
pass, later steps may rely on. So no word decides that is not in a list, and no number that is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from math import inf, isfinite
from typing import Any

from shipworthy.core.errors import IntegrityError
from shipworthy.core.terminal import escape, shown

Shape = Callable[[Any, str], None]

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z")
_SHOWN = 60


def wrong(where: str, must: str, value: Any) -> IntegrityError:
    """Return the error for a value that is not what it must be."""
    return IntegrityError(f"{where} must be {must}, not {shown(repr(value), _SHOWN)}")


def text(value: Any, where: str) -> None:
    """Any string."""
    if not isinstance(value, str):
        raise wrong(where, "text", value)


def name(value: Any, where: str) -> None:
    """A string that is not empty and holds nothing that a terminal would act on."""
    if not isinstance(value, str) or not value or escape(value) != value:
        raise wrong(where, "a name", value)


def flag(value: Any, where: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise wrong(where, "true or false", value)


def digest(value: Any, where: str) -> None:
    """``sha256:<64 hex>``."""
    if not isinstance(value, str) or not _DIGEST.fullmatch(value):
        raise wrong(where, "a digest, sha256:<64 hex>", value)


def moment(value: Any, where: str) -> None:
    """A time, ``2026-01-31T12:00:00Z``, with or without a fraction."""
    seconds(value, where)


def seconds(value: Any, where: str) -> float:
    """Return a time as Unix time.

    Raises:
        IntegrityError: it is none that a calendar has.
    """
    if isinstance(value, str) and (found := _TIME.fullmatch(value)):
        try:
            whole = datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            raise wrong(where, "a time that there is", value) from None
        return whole.timestamp() + float(found[1] or 0)
    raise wrong(where, "a time such as 2026-01-31T12:00:00Z", value)


def anything(value: Any, where: str) -> None:
    """Any JSON."""


def whole(low: int = 0, high: float = 2**53) -> Shape:
    """A whole number from `low` to `high`; true and false are none."""

    def check(value: Any, where: str) -> None:
        if type(value) is not int or not low <= value <= high:
            raise wrong(where, f"a whole number from {low:,} on" if high >= 2**53 else f"{low} to {high:g}", value)

    return check


def number(low: float = -inf, high: float = inf) -> Shape:
    """A finite number within a range, ends included; true and false are none."""

    def check(value: Any, where: str) -> None:
        if type(value) not in (int, float) or not isfinite(value) or not low <= value <= high:
            limits = "a finite number" if (low, high) == (-inf, inf) else f"a number from {low:g} to {high:g}"
            raise wrong(where, limits, value)

    return check


def word(*words: str) -> Shape:
    """One of some words, letter by letter: neither another case nor a letter that looks like another."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, str) or value not in words:
            raise wrong(where, f"one of {', '.join(words)}", value)

    return check


def maybe(inner: Shape) -> Shape:
    """Something, or null."""
    return lambda value, where: None if value is None else inner(value, where)


def listed(inner: Shape, *, least: int = 0, once: bool = False) -> Shape:
    """A list of something; `once`: of words, none of them twice."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list) or len(value) < least:
            raise wrong(where, f"a list of {least} or more" if least else "a list", value)
        for place, one in enumerate(value):
            inner(one, f"{where}[{place}]")
        if once and len(set(value)) != len(value):
            raise IntegrityError(f"{where}: something is listed twice")

    return check


def mapped(inner: Shape) -> Shape:
    """An object from names to something."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where, "an object", value)
        for key, one in value.items():
            inner(one, f"{where}.{shown(key, _SHOWN)}")

    return check


def fields(needed: Mapping[str, Shape], may: Mapping[str, Shape] | None = None, *, closed: bool = False) -> Shape:
    """An object with some fields.

    Args:
        needed: those that it must have.
        may: those that it may have.
        closed: whether it may have no others. Of others, none may look like one of these.
    """
    known: dict[str, Shape] = {**needed, **(may or {})}
    plain = _plain(known)

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise wrong(where, "an object", value)
        for key in needed:
            if key not in value:
                raise IntegrityError(f"{where}: {key} is missing")
        for key, one in value.items():
            if key in known:
                known[key](one, f"{where}.{key}")
            elif closed or _plain((key,)) & plain:
                raise IntegrityError(f"{where}: {shown(key, _SHOWN)} is no field of it")

    return check


def _plain(keys: Collection[str]) -> set[str]:
    return {"".join(c for c in key.casefold() if c.isalnum()) for key in keys}
