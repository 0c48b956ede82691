"""Check the parameters of attacks; every error names the attack, the parameter and what it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shipworthy.core.errors import PluginError, did_you_mean


def one_of(attack: str, name: str, value: Any, known: Sequence[str]) -> str:
    """Return the value if it is one of the known words.

    Raises:
        PluginError: it is not; names the nearest.
    """
    if isinstance(value, str) and value in known:
        return value
    hint = did_you_mean(value, known) if isinstance(value, str) else "known: " + ", ".join(sorted(known))
    raise PluginError(f"attack {attack!r}: {name} is {value!r}: {hint}")


def share(attack: str, name: str, value: Any) -> float:
    """Return the value if it is a share, a number with 0 < value <= 1.

    Raises:
        PluginError: it is not.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 1:
        return float(value)
    raise PluginError(f"attack {attack!r}: {name} is {value!r}: it takes a number above 0 and at most 1")


def flag(attack: str, name: str, value: Any) -> bool:
    """Return the value if it is true or false.

    Raises:
        PluginError: it is not.
    """
    if isinstance(value, bool):
        return value
    raise PluginError(f"attack {attack!r}: {name} is {value!r}: it takes true or false")


def count(attack: str, name: str, value: Any, low: int, high: int) -> int:
    """Return the value if it is a whole number from `low` to `high`, ends included.

    Raises:
        PluginError: it is not.
    """
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return value
    raise PluginError(f"attack {attack!r}: {name} is {value!r}: it takes a whole number from {low} to {high}")
