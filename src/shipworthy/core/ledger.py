"""The ledger: every run that was ever begun on the same samples and criteria, read from the audit chain.

Running again until it passes is the oldest way around a gate. A run is entered in the chain when it is declared, before
its first attempt, so one that was deleted afterwards leaves a gap that shows. Standard library only: the verifier of a
pack reads the chain in the pack by the same rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

DECLARED = "run.declared"
WITHDRAWN = "run.withdrawn"
"""A run that a mistake in the configuration stopped before its first attempt: it measured nothing."""
KINDS = (DECLARED, WITHDRAWN, "run.finished", "run.seen", "decision.made")
"""The entries that a ledger is made of."""

STATES = ("ship", "no-ship", "inconclusive", "baseline", "not decided", "not finished")

_LISTED = 8
"""Runs whose state is said one by one; of more, how many had each."""
_NAMED = 3
"""Deleted runs that are named."""


class Scope(NamedTuple):
    """Which runs are about the same samples and criteria: of one system and specification, on the same draw of samples,
    with a suite in common. The subject may have changed: that is what is tried again."""

    system: str
    spec: str
    draws: tuple[int, ...]
    suites: frozenset[str]


class Line(NamedTuple):
    """A run in the ledger: its id, what became of it (one of `STATES`), and its subject's digest."""

    run: str
    state: str
    subject: str


def lines(
    entries: Iterable[tuple[str, Mapping[str, Any]]], scopes: Sequence[Scope], baselines: Collection[str] = ()
) -> list[Line]:
    """Return every run of some scopes, in the order in which they were begun.

    Args:
        entries: kind and body of the chain's entries, oldest first; kinds that are not in `KINDS` are passed over.
        scopes: of the runs that are decided on.
        baselines: runs that are compared with: where nothing was ever decided on one, its state is ``baseline``.
    """
    begun: dict[str, tuple[Scope, str]] = {}
    finished: set[str] = set()
    verdicts: dict[str, str] = {}
    for kind, body in entries:
        if kind == "decision.made":
            # Earlier versions did not tell what was decided on from what it was compared with.
            verdicts |= dict.fromkeys(body.get("runs") or body["heads"], str(body["verdict"]))
        elif kind == WITHDRAWN:
            begun.pop(str(body["run"]), None)
        elif kind in KINDS:
            scope = Scope(
                body["system"], body["spec_digest"], tuple(body.get("draws", ())), frozenset(body.get("suites", ()))
            )
            begun.setdefault(str(body["run"]), (scope, str(body["subject_digest"])))
            finished |= {str(body["run"])} if kind == "run.finished" else set()
    return [
        Line(run, _state(run, verdicts, finished, baselines), subject)
        for run, (scope, subject) in begun.items()
        if any(_meets(scope, wanted) for wanted in scopes)
    ]


def _meets(one: Scope, other: Scope) -> bool:
    # A run by an earlier version has no suites in its entry; that it shares none cannot be known.
    shared = not one.suites or bool(one.suites & other.suites)
    return shared and one[:3] == other[:3]


def _state(run: str, verdicts: Mapping[str, str], finished: Collection[str], baselines: Collection[str]) -> str:
    open_ = "not decided" if run in finished else "not finished"
    return verdicts.get(run) or ("baseline" if run in baselines else open_)


class Place(NamedTuple):
    """Where the decided runs stand among all: the last one's number, and the lines before and after it."""

    number: int
    earlier: tuple[Line, ...]
    later: tuple[Line, ...]


def place(all_lines: Sequence[Line], decided: Collection[str]) -> Place:
    """Return the place of the runs that are decided on; a run that the chain does not hold yet is the newest."""
    held = [number for number, line in enumerate(all_lines) if line.run in decided]
    known = {line.run for line in all_lines}
    last = len(all_lines) if any(run not in known for run in decided) else max(held, default=len(all_lines) - 1) + 1
    earlier = tuple(line for line in all_lines[:last] if line.run not in decided)
    later = tuple(line for line in all_lines[last:] if line.run not in decided)
    return Place(len(earlier) + len(decided), earlier, later)


def sentence(found: Place, gone: Collection[str] = ()) -> str:
    """Return a ledger in words.

    >>> states = [Line(f"RUN-{n}", state, "") for n, state in enumerate(("no-ship", "no-ship", "inconclusive"))]
    >>> sentence(Place(4, tuple(states), ()))
    'the 4th run on these samples; 3 earlier: no-ship, no-ship, inconclusive'
    >>> sentence(Place(1, (), ()))
    'the 1st run on these samples'
    >>> sentence(Place(2, tuple(states[:1]), ()), ["RUN-0"])
    'the 2nd run on these samples; 1 earlier: no-ship; no longer on the disk: RUN-0'
    """
    said = [f"the {_ordinal(found.number)} run on these samples"]
    for what, some in (("earlier", found.earlier), ("later", found.later)):
        if some:
            said.append(f"{len(some):,} {what}: {_states(some)}")
    if gone:
        names = sorted(gone)
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        said.append(f"no longer on the disk: {', '.join(names[:_NAMED])}{more}")
    return "; ".join(said)


def _states(some: Sequence[Line]) -> str:
    if len(some) <= _LISTED:
        return ", ".join(line.state for line in some)
    number = Counter(line.state for line in some)
    return ", ".join(f"{number[state]:,} {state}" for state in STATES if number[state])


def _ordinal(number: int) -> str:
    teen = 10 <= number % 100 <= 20
    return f"{number:,}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
