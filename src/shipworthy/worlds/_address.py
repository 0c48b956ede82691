"""Addresses as a mail server reads them: the name around one, its case and blanks make no other address."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shipworthy.agents.state_world import ToolProblem

_ADDRESS = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;.]+")


def address(text: str) -> str:
    """Return the one address that a text holds, such as ``Ana Reis <Ana@north.example>``, in lower case.

    Raises:
        ToolProblem: it holds none, or more than one.
    """
    found = _ADDRESS.findall(text)
    if len(found) != 1:
        raise ToolProblem(f"{text[:80]!r} is no address.")
    return str(found[0]).strip(".").lower()


def addresses(texts: Sequence[str]) -> list[str]:
    """Return the addresses of a list, each once, in order.

    Raises:
        ToolProblem: one of them is none, or there is none at all.
    """
    if not texts:
        raise ToolProblem("No address is given.")
    return list(dict.fromkeys(address(text) for text in texts))
