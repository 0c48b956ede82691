"""Conditions: one that means something finite and reads the same again, or a sentence."""

from math import isfinite
from pathlib import Path

from shipworthy.core.condition import parse


def prepare(folder: Path) -> None:
    return None


def feed(data: bytes, _: None) -> str:
    text = data.decode("utf-8", "surrogateescape")
    try:
        found = parse(text)
    except ValueError as error:
        assert type(error) is ValueError and str(error)
        return "refused"
    assert 0.5 <= found.confidence < 1 and isfinite(found.limit)
    assert found.test == "threshold" or found.limit > 0
    number = found.text.replace(found.unit, "") if found.unit else found.text
    assert number.isascii(), "a number in other digits"
    assert parse(found.text) == found
    return "accepted"
