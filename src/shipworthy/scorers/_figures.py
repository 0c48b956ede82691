"""Numbers in their usual forms: ``56088``, ``56,088``, ``56.088``, ``56 088``, ``56'088``, ``56088.0``."""

from __future__ import annotations

import re

# Not the parts of a time or a path, and not a piece of a longer number.
_NUMBER = re.compile(
    r"(?<![\w:/])(?<![0-9][.,'])[-\u2212]?"
    r"(?:[0-9]{1,3}(?:[., '\u2019\u00a0\u202f][0-9]{3})+(?:[.,][0-9]{1,2})?|[0-9]+(?:[.,][0-9]+)?)"
    r"(?![\w:/]|[.,'][0-9])"
)


def value_of(text: str) -> float | None:
    """Return the value of a number in a usual form; None of what is no number.

    Three digits behind the only mark are thousands: ``1.132`` is one thousand one hundred and thirty-two.

    >>> value_of("56,088"), value_of("56 088"), value_of("5.608.800,00"), value_of("56088.0"), value_of("HARBOUR")
    (56088.0, 56088.0, 5608800.0, 56088.0, None)
    """
    found = _NUMBER.fullmatch(text.strip())
    if not found:
        return None
    body = found[0].replace("\u2212", "-")
    cut = max(body.rfind("."), body.rfind(","))
    head, tail = (body[:cut], body[cut + 1 :]) if cut > 0 else (body, "")
    marks = {c for c in head if not (c.isdigit() or c == "-")}
    fraction = cut > 0 and (len(tail) != 3 or (bool(marks) and body[cut] not in marks) or head.lstrip("-") == "0")
    digits = "".join(c for c in (head if fraction else body) if c.isdigit() or c == "-")
    return float(f"{digits}.{tail}" if fraction else digits)


def numbers_at(text: str, value: float) -> list[tuple[int, int]]:
    """Return where a number of this value stands in a text."""
    return [found.span() for found in _NUMBER.finditer(text) if value_of(found[0]) == value]
