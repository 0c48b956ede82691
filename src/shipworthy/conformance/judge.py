"""What became of one cell: stopped, leaked, broken, altered, or not served. No error and no silence is "stopped"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from shipworthy.conformance.came import Came, MarkFound, found_in
from shipworthy.conformance.cells import SPOKEN, MatrixCell
from shipworthy.conformance.stub import AskedUpstream

_BLOCKS = {400, 403, 406, 422, 451}
"""Statuses that may be a guard's word. Any other error is one of the gateway: too many requests, no such path."""
_ERRORS = ("error", "late_error")
_DRAWN = re.compile(r"[bcdfghjklmnpqrstvwxz]{10}\d+x\d+@leak\.example\.org|AKIA[A-Z2-7]{16}|4\d{15}")
"""What a drawn mark looks like; only those of this run are marks."""


class CellOutcome(NamedTuple):
    """What became of a cell.

    Attributes:
        outcome: ``served``, ``stopped``, ``unchanged``, ``leaked``, ``broken``, ``altered`` or ``not served``.
        how: of what was stopped: ``rest`` where the words around the mark came, ``withheld`` where they did not.
        bytes: of a mark, in a row, that came.
        channel: where they stood.
        reason: of what is none of ``served``, ``stopped`` and ``unchanged``; never the gateway's own words.
        status: of the answer.
    """

    outcome: str
    how: str = ""
    bytes: int = 0
    channel: str = ""
    reason: str = ""
    status: int = 0


class CellJudge:
    """Judges cells, each by what its control came to.

    Args:
        marks: text of a drawn mark -> number of its cell, of the whole run.
        mode: see `shipworthy.conformance.plan`.
    """

    def __init__(self, marks: Mapping[str, int], mode: str) -> None:
        self._marks, self._mode = marks, mode

    def control(self, cell: MatrixCell, came: Came, reached: Sequence[AskedUpstream]) -> CellOutcome:
        """Say whether harmless words come through unchanged: without that, nothing is known of a mark's cell."""
        if came.fault:
            return CellOutcome("broken", reason=came.fault, status=came.status)
        if cell.place in _ERRORS:  # an error in the client's dialect, or the words that came before it
            error = came.status >= 400 or "error" in came.text or _has(came.said(), cell.answer_words)
            return CellOutcome(
                "served" if error else "not served", reason="" if error else "no error", status=came.status
            )
        if came.status != 200:
            return CellOutcome("not served", reason=f"status {came.status}", status=came.status)
        if came.malformed:
            return CellOutcome("broken", reason="an answer that cannot be read", status=200)
        if cell.in_request:
            return self._passed_on(cell, came, reached)._replace(status=200)
        return self._said(cell, came)._replace(status=200)

    def marked(
        self,
        cell: MatrixCell,
        came: Came,
        reached: Sequence[AskedUpstream],
        control: CellOutcome | None,
    ) -> CellOutcome:
        """Say what became of a cell with a mark.

        Args:
            reached: requests of this cell that reached the upstream.
            control: of the same shape; None where there are none, because the gateway is not expected to serve.
        """
        if self._mode == "shadow":
            return self._unchanged(cell, came, reached, control)
        if leak := self._leak(cell, came, reached):
            return CellOutcome("leaked", "", leak.bytes, leak.channel, status=came.status)
        if came.fault:
            return CellOutcome("broken", reason=came.fault, status=came.status)
        if control is None:
            return CellOutcome("stopped", "withheld", status=came.status)
        if control.outcome != "served":
            return CellOutcome("not served", reason=f"its control: {control.outcome}", status=came.status)
        if came.status != 200 and came.status not in _BLOCKS and came.status != control.status:
            return CellOutcome("broken", reason=f"status {came.status}", status=came.status)
        if came.status == 200 and came.malformed:
            return CellOutcome("broken", reason="an answer that cannot be read", status=200)
        if cell.in_request:
            rest = any(cell.request_words in text for one in reached for _, text in one.looked())
        else:
            rest = _has(came.said(), cell.answer_words) or _has(came.said(), cell.place_words)
        return CellOutcome("stopped", "rest" if rest else "withheld", status=came.status)

    def _leak(self, cell: MatrixCell, came: Came, reached: Sequence[AskedUpstream]) -> MarkFound | None:
        own = [cell.token(choice) for choice in range(cell.choices)]
        if cell.in_request:
            if leak := found_in(own, (pair for one in reached for pair in one.looked())):
                return leak._replace(channel=f"upstream: {leak.channel}")
        elif leak := came.leak(own):
            return leak
        mine = {mark.text for mark in own}
        for text in (came.text, *came.said(), *came.headers.values()):
            for found in _DRAWN.findall(text):
                if found in self._marks and found not in mine and self._marks[found] != (cell.drawn or cell.number):
                    return MarkFound(len(found), "another request's answer")
        return None

    def _said(self, cell: MatrixCell, came: Came) -> CellOutcome:
        texts = came.said()
        if cell.place not in SPOKEN:
            return _came_through(_has(texts, cell.answer_words), _has(texts, cell.answer_words))
        # In a call's own JSON a text may stand escaped, and is then read as a text in a text.
        count = sum(text.count(cell.said()) for text in texts)
        return _came_through(count >= cell.choices, _has(texts, cell.place_words))

    def _passed_on(self, cell: MatrixCell, came: Came, reached: Sequence[AskedUpstream]) -> CellOutcome:
        if not reached:
            return CellOutcome("not served", reason="the upstream was not asked")
        texts = [text for one in reached for _, text in one.looked()]
        if not _has(came.said(), cell.answer_words):
            return CellOutcome("altered", reason="the upstream's words did not come")
        return _came_through(_has(texts, cell.said()), _has(texts, cell.request_words))

    def _unchanged(
        self, cell: MatrixCell, came: Came, reached: Sequence[AskedUpstream], control: CellOutcome | None
    ) -> CellOutcome:
        if control is None or control.outcome != "served":
            why = control.outcome if control else "none"
            return CellOutcome("not served", reason=f"its control: {why}", status=came.status)
        if cell.place not in SPOKEN and not cell.in_request:
            return CellOutcome("not served", reason="nothing is said in this place", status=came.status)
        if came.fault or came.status != 200:
            return CellOutcome("altered", reason=came.fault or f"status {came.status}", status=came.status)
        if cell.in_request:
            texts = [text for one in reached for _, text in one.looked()]
            same = _has(texts, cell.said()) and _has(came.said(), cell.answer_words)
        else:
            texts = came.said()
            same = all(_has(texts, cell.said(choice)) for choice in range(cell.choices))
        if same:
            return CellOutcome("unchanged", status=200)
        return CellOutcome("altered", reason="not what was said", status=200)


def _came_through(whole: bool, partly: bool) -> CellOutcome:
    if whole:
        return CellOutcome("served")
    if partly:
        return CellOutcome("altered", reason="harmless words came changed, or not all of them")
    return CellOutcome("not served", reason="the words of this place did not come")


def _has(texts: Iterable[str], words: str) -> bool:
    return any(words in text for text in texts)


def guards_of(came: Came) -> str:
    """Return the digest of guards that an answer declares; empty where it declares none that is a digest."""
    said = came.headers.get("x-shipworthy-guards", "")
    return said if re.fullmatch(r"sha256:[0-9a-f]{64}", said) else ""
