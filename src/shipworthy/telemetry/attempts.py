"""A draw of telemetry as attempts that people can label: the CSV that `runs import` reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from shipworthy.core.cells import sheet_of
from shipworthy.core.errors import UsageError
from shipworthy.store.audit import AuditLog
from shipworthy.telemetry.contents import contents, said_by
from shipworthy.telemetry.corrected import JudgedSpan
from shipworthy.telemetry.draw import DrawnSpan
from shipworthy.telemetry.facts import FactView
from shipworthy.telemetry.keyring import Keyring

SUITE = "telemetry"
COLUMNS = ("suite", "sample", "cluster", "request", "answer", "metric", "hit", "error")
_LEAST_REASON = 8


class SpanAttempts(NamedTuple):
    """The CSV; how many attempts are in it, and how many spans had no content any more."""

    data: bytes
    written: int
    gone: int


def attempts_csv(
    view: FactView,
    keyring: Keyring,
    audit: AuditLog,
    drawn: Sequence[DrawnSpan],
    judged: Sequence[JudgedSpan] | None = None,
    *,
    metric: str,
    by: str,
    reason: str,
) -> SpanAttempts:
    """Return a draw as attempts of a suite ``telemetry``: a sample is ``trace-span``, a cluster its session.

    Args:
        judged: what a judge said of each; what the store counted if left out. A judge's silence is an error.
        metric: name of what it said.

    Raises:
        UsageError: no reason.
        StoreError: the look cannot be entered: nothing is read then.
    """
    if len(reason.strip()) < _LEAST_REASON:
        raise UsageError("say why you look, in a few words: whoever reads the audit log will ask")
    spans = [(one.trace, one.span) for one in drawn]
    held = contents(view, keyring, audit, spans, by=by, reason=reason)
    words = None if judged is None else {(one.trace, one.span): one.called for one in judged}
    about = _about(view, spans)
    rows: list[Sequence[str]] = [COLUMNS]
    for pair in spans:
        if pair not in held:
            continue
        session, counted = about[pair]
        hit = counted if words is None else words.get(pair)
        asked, answer = said_by(held[pair], "user"), said_by(held[pair], "assistant")
        error = "" if hit is not None else "the judge gave no answer"
        said = "" if hit is None else str(int(hit))
        rows.append([SUITE, "-".join(pair), f"{session:016x}", asked, answer, metric, said, error])
    written = len(rows) - 1
    return SpanAttempts(sheet_of(rows).encode(), written, len(spans) - written)


def _about(view: FactView, spans: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, bool]]:
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    for begin in range(0, len(spans), 500):
        some = spans[begin : begin + 500]
        marks = ", ".join("(unhex(?), unhex(?))" for _ in some)
        for trace, span, session, hit in view.query(
            "SELECT lower(hex(trace)), lower(hex(span)), session, violation FROM facts"
            f" WHERE (trace, span) IN ({marks})",
            [part for pair in some for part in pair],
        ):
            found[trace, span] = (session, hit)
    return found
