"""Samples for judges that cost: stratified, at random, with the chance that each span had of being drawn."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

from msgspec import Struct

from shipworthy.core.errors import UsageError
from shipworthy.telemetry.facts import FactView

Stratum = Literal["day", "feature", "severity", "model", "kind", "violation", "refusal", "pii"]


class DrawnSpan(Struct, frozen=True):
    """One span that was drawn.

    Attributes:
        stratum: values of the keys that it was drawn by.
        inclusion: the chance that it had, in (0, 1]: spans drawn of its stratum, divided by spans in it.
    """

    trace: str
    span: str
    stratum: tuple[str, ...]
    inclusion: float


class SpanDraw(NamedTuple):
    """A draw.

    Attributes:
        strata: values of the keys -> spans in the stratum, and drawn of it.
        digest: of what was drawn, in order.
    """

    spans: list[DrawnSpan]
    strata: dict[tuple[str, ...], tuple[int, int]]
    digest: str


def draw_spans(
    view: FactView,
    size: int,
    by: Sequence[Stratum] = ("feature", "severity"),
    *,
    seed: int,
    least: int = 1,
    kind: str = "",
    sessions: bool = False,
) -> SpanDraw:
    """Draw spans with content at random within strata: the same seed gives the same draw of the same facts.

    Each stratum gives `least` spans, as far as it has them; what is left of `size` is shared in proportion to what is
    left in the strata. A rate over all spans is then the sum of hits divided by their `inclusion`, over the number of
    spans (Horvitz and Thompson 1952).

    Args:
        size: spans to draw; all of them where there are fewer.
        kind: only spans of this kind; of all if left out.
        sessions: draw sessions, each by its last span, which in a chat has what was said before: rates are of sessions
            then, and a session over two days or features is one in the last of them.

    Raises:
        UsageError: a key that is none, or a size below the number of strata times `least`.
    """
    for key in by:
        if key not in get_args(Stratum):
            raise UsageError(f"strata are of {', '.join(get_args(Stratum))}, not of {key!r}")
    if size < 1 or least < 0:
        raise UsageError("draw one span or more")
    keys = ", ".join(f"{key}::VARCHAR" for key in by) or "'all'"
    where, given = ("kept NOT IN ('', 'gone') AND kind = ?", [kind]) if kind else ("kept NOT IN ('', 'gone')", [])
    last = " QUALIFY row_number() OVER (PARTITION BY session ORDER BY time DESC, span) = 1" if sessions else ""
    source = f"(SELECT * FROM facts WHERE {where}{last})"
    counted = view.query(f"SELECT [{keys}] AS stratum, count(*) FROM {source} GROUP BY 1 ORDER BY 1", given)
    there = {tuple(stratum): number for stratum, number in counted}
    wanted = _shares(there, size, least)
    most = max(wanted.values(), default=0)
    rows = view.query(
        "SELECT * FROM (SELECT hex(trace), hex(span), stratum, row_number() OVER (PARTITION BY stratum ORDER BY chance,"
        " trace, span) AS place FROM (SELECT trace, span, md5(? || hex(trace) || hex(span)) AS chance,"
        f" [{keys}] AS stratum FROM {source})) WHERE place <= ? ORDER BY 3, place",
        [f"{seed}/", *given, most],
    )
    spans = [
        DrawnSpan(trace.lower(), span.lower(), tuple(stratum), wanted[tuple(stratum)] / there[tuple(stratum)])
        for trace, span, stratum, place in rows
        if place <= wanted[tuple(stratum)]
    ]
    digest = sha256("\n".join(f"{one.trace}/{one.span}/{one.inclusion!r}" for one in spans).encode()).hexdigest()
    return SpanDraw(spans, {stratum: (there[stratum], wanted[stratum]) for stratum in there}, f"sha256:{digest}")


def _shares(there: dict[tuple[str, ...], int], size: int, least: int) -> dict[tuple[str, ...], int]:
    """Share a size among strata; by largest remainders, so that it is used up."""
    taken = {stratum: min(number, least) for stratum, number in there.items()}
    left = size - sum(taken.values())
    if left < 0:
        raise UsageError(f"{len(there)} strata of {least} need {sum(taken.values())} spans, and {size} are to be drawn")
    while left > 0 and (open_ := {s: n - taken[s] for s, n in there.items() if n > taken[s]}):
        total = sum(open_.values())
        exact = {stratum: min(float(number), left * number / total) for stratum, number in open_.items()}
        given = {stratum: int(share) for stratum, share in exact.items()}
        if not any(given.values()):
            for stratum in sorted(exact, key=lambda s: (-exact[s], s))[:left]:
                given[stratum] = 1
        for stratum, number in given.items():
            taken[stratum] += number
        left -= sum(given.values())
    return taken
