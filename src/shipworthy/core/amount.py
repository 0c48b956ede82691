"""How a number of a value metric reads: three digits and its unit, the same in every table, reason and report."""

from __future__ import annotations

from math import floor, log10

_MOST = 12
"""Decimals after which two numbers are called the same."""


def amount(value: float, unit: str = "", beside: float | None = None, *, signed: bool = False) -> str:
    """Return a number with its unit: three digits, and no digit before the point left out.

    Args:
        unit: such as ``s``; empty for a bare number.
        beside: another number that it is held against: digits are added until the two read differently.
        signed: whether a number above zero gets a plus: a change.

    >>> amount(0.7341), amount(12.345, "s"), amount(1234.5, "ms"), amount(0.05, signed=True), amount(-0.0)
    ('0.734', '12.3 s', '1,234 ms', '+0.05', '0')
    >>> amount(0.70004, beside=0.7)
    '0.70004'
    """
    text = number(value, beside)
    sign = "+" if signed and not text.startswith("-") and text != "0" else ""
    return f"{sign}{text} {unit}".rstrip()


def level(value: float, kind: str, unit: str = "") -> str:
    """Return a rate as a percentage where `kind` is ``event``, else a mean as `amount` does.

    >>> level(0.034, "event"), level(12.345, "value", "s")
    ('3.4 %', '12.3 s')
    """
    return f"{100 * value:.1f} %" if kind == "event" else amount(value, unit)


def number(value: float, beside: float | None = None) -> str:
    """Return the number of `amount` alone."""
    decimals = _decimals(value)
    text = _written(value, decimals)
    if beside is None or value == beside:
        return text
    while text == _written(beside, decimals) and decimals < _MOST:
        decimals += 1
        text = _written(value, decimals)
    return text


def _decimals(value: float) -> int:
    return min(_MOST, max(0, 2 - floor(log10(abs(value))))) if value else 0


def _written(value: float, decimals: int) -> str:
    text = f"{value:,.{decimals}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
