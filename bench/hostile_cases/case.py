"""One thing that is tried, and how it came out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

Word = Literal["refused", "traceback", "accepted_wrongly"]

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
"""What can move a terminal's cursor, clear it, or turn its text round; a carriage return, too."""

_CRASHED = ("Traceback (most recent call last)", "Exception ignored", "exception was never retrieved", "Segmentation")


class Outcome(NamedTuple):
    """How a case came out, and what was seen."""

    word: Word
    why: str = ""


class Ran(NamedTuple):
    """A command that was run: its exit code, what it printed, and what it raised ("" if nothing)."""

    code: int
    out: str
    err: str
    raised: str = ""

    @property
    def said(self) -> str:
        return self.out + self.err


class Case(NamedTuple):
    """A hostile input and what is done with it.

    Attributes:
        kind: the kind it is counted under.
        name: tells it from all others of its kind.
        attempt: tries it and says how it came out.
    """

    kind: str
    name: str
    attempt: Callable[[], Outcome]


def crashed(ran: Ran) -> str:
    """Return the line that tells of a crash; empty where there was none."""
    if ran.raised:
        return ran.raised
    if any(mark in ran.said for mark in _CRASHED) or ran.code < 0 or ran.code > 4:
        lines = [line for line in ran.said.splitlines() if line.strip()]
        found = [line for line in lines if re.match(r"\w*(Error|Exception|Exit|Interrupt)\b", line)]
        return f"exit {ran.code}: {(found or lines or ['no word'])[-1][:200]}"
    return ""


def judge(ran: Ran, *, harm: str = "", codes: tuple[int, ...] = (2, 4)) -> Outcome:
    """Say how a case came out: refused where it ended in a clear error and nothing that it wanted came about.

    Args:
        harm: what it brought about; empty for nothing.
        codes: exit codes that are a refusal. 0 among them is for input that is taken and does no harm.
    """
    if why := crashed(ran):
        return Outcome("traceback", why)
    if harm:
        return Outcome("accepted_wrongly", harm)
    if found := _CONTROL.search(ran.said):
        return Outcome("accepted_wrongly", f"the control character {found[0]!r} reached the terminal")
    if ran.code not in codes:
        return Outcome("accepted_wrongly", f"exit {ran.code}: {ran.said.strip()[-300:]}")
    if ran.code and len(ran.said.strip()) < 8:
        return Outcome("accepted_wrongly", f"exit {ran.code} without a word")
    return Outcome("refused")


def accepted(ran: Ran) -> Outcome:
    """Say how a control came out: accepted, as it must be, or how not."""
    why = crashed(ran) or ("" if ran.code == 0 else f"exit {ran.code}: {ran.said.strip()[-300:]}")
    return Outcome("traceback", why) if why else Outcome("accepted_wrongly")
