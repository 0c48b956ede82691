"""Whether a run is finished: one answer for the session, the audit log, the gate and the stand-alone verifier.

This file imports nothing but the standard library, because the verifier runs where nothing else is installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, get_args

Rule = Literal["fixed", "sequential", "search"]
"""How a run knows that it has measured enough: ``fixed`` makes every planned attempt; ``sequential`` may end
earlier, at a look; ``search`` may end earlier, when it has no query left or found what it looks for."""

PLANNED = len("AT-") + 16
"""Characters of an attempt's id that name the planned attempt; a retry adds ``-2``, ``-3``, …"""


INAPPLICABLE: Literal["inapplicable"] = "inapplicable"
"""The outcome of an attempt whose attack cannot change its sample: nothing was asked, it is in no rate and no error."""


def failed(outcome: str) -> bool:
    """Say whether an attempt ended in an error: it has no score, and is never counted as safe.

    >>> failed("timeout"), failed("scored"), failed(INAPPLICABLE)
    (True, False, False)
    """
    return outcome not in ("scored", INAPPLICABLE)


class Finished(NamedTuple):
    """The answer: whether the run is finished, and the reason in words."""

    yes: bool
    why: str


def finished(rule: str, planned: int, made: int, *, concluded: bool = False) -> Finished:
    """Say whether a run is finished, by its stopping rule.

    Args:
        rule: see `Rule`.
        planned: number of attempts in the plan; under ``sequential`` and ``search`` the most that may be made.
        made: number of planned attempts that were made, see `count_made`; an attempt that ended in an error was made.
        concluded: whether a ``sequential`` run is at a look (see `at_look`) in each of its suites, or a ``search`` run
            recorded that it came to its own end. A ``fixed`` run has no other end than its plan, so for it this
            changes nothing.

    Raises:
        ValueError: the rule is unknown, or a number is negative.

    >>> finished("fixed", planned=20, made=10)
    Finished(yes=False, why='10 of 20 planned attempts were made')
    >>> finished("sequential", planned=20, made=10, concluded=True).yes
    True
    """
    if rule not in get_args(Rule):
        raise ValueError(f"unknown stopping rule {rule!r}: known are {', '.join(get_args(Rule))}")
    if planned < 0 or made < 0:
        raise ValueError(f"a run cannot have made {made} of {planned} attempts")
    if made > planned:
        # Attempts that no plan asked for: whatever this log is, it is not the whole of that plan and nothing else.
        return Finished(False, f"{made:,} attempts were made, though only {planned:,} were planned")
    if made == planned:
        return Finished(True, f"all {planned:,} planned attempts were made")
    said = f"{made:,} of {planned:,} planned attempts were made"
    if concluded and rule != "fixed":
        return Finished(True, f"{said}, up to a look" if rule == "sequential" else f"{said}, then the search ended")
    return Finished(False, said)


def at_look(looks: Sequence[int], planned: int, made: int) -> bool:
    """Say whether one suite of a run is where it may be looked at.

    Args:
        looks: after how many attempts; none where it is made whole.
        planned: number of its attempts.

    >>> at_look([40, 80], 100, 80), at_look([40, 80], 100, 79), at_look([], 100, 80)
    (True, False, False)
    """
    return made == planned or made in looks


def count_made(ids: Iterable[str]) -> int:
    """Return how many planned attempts the ids of a run log's records stand for. A retry counts with its attempt.

    >>> count_made(["AT-00ff00ff00ff00ff", "AT-00ff00ff00ff00ff-2", "AT-11ff00ff00ff00ff"])
    2
    """
    return len({id[:PLANNED] for id in ids})
