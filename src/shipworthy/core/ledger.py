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
STARTED = "run.started"
"""A sitting on one shard of a run began: with how many records in its log, and which head."""
HEAD = "run.head"
"""The same, while a sitting goes on: a log that is cut afterwards lacks this head."""
STOPPED = "run.stopped"
"""The same, at a sitting's end. One that was killed has no end."""
SITTINGS = (STARTED, HEAD, STOPPED)
DELETED = "run.deleted"
"""A run was taken off the disk, by somebody who said so."""
KINDS = (DECLARED, WITHDRAWN, STARTED, STOPPED, DELETED, "run.finished", "run.seen", "decision.made")
"""The entries that a ledger is made of."""
_ABOUT = (DECLARED, "run.finished", "run.seen")
"""Those that say which system, specification, subject and samples a run is about."""

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


class RunLine(NamedTuple):
    """A run in the ledger: its id, what became of it (one of `STATES`), and its subject's digest."""

    run: str
    state: str
    subject: str


def lines(
    entries: Iterable[tuple[str, Mapping[str, Any]]], scopes: Sequence[Scope], baselines: Collection[str] = ()
) -> list[RunLine]:
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
        elif kind in _ABOUT:
            scope = Scope(
                body["system"], body["spec_digest"], tuple(body.get("draws", ())), frozenset(body.get("suites", ()))
            )
            begun.setdefault(str(body["run"]), (scope, str(body["subject_digest"])))
            finished |= {str(body["run"])} if kind == "run.finished" else set()
    return [
        RunLine(run, _state(run, verdicts, finished, baselines), subject)
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


class LedgerPlace(NamedTuple):
    """Where the decided runs stand among all: the last one's number, and the lines before and after it."""

    number: int
    earlier: tuple[RunLine, ...]
    later: tuple[RunLine, ...]


def place(all_lines: Sequence[RunLine], decided: Collection[str]) -> LedgerPlace:
    """Return the place of the runs that are decided on; a run that the chain does not hold yet is the newest."""
    held = [number for number, line in enumerate(all_lines) if line.run in decided]
    known = {line.run for line in all_lines}
    last = len(all_lines) if any(run not in known for run in decided) else max(held, default=len(all_lines) - 1) + 1
    earlier = tuple(line for line in all_lines[:last] if line.run not in decided)
    later = tuple(line for line in all_lines[last:] if line.run not in decided)
    return LedgerPlace(len(earlier) + len(decided), earlier, later)


class Tries(NamedTuple):
    """How often the very same was tried: one system, specification and subject, on whatever samples of it.

    Attributes:
        number: of the decided run among these runs, from 1; of several, that of the last.
        runs: how many there are, the decided ones included.
        not_shipped: of the others, those on which a gate said no-ship or inconclusive; `unfinished` those that nothing
            was decided on and that were never finished; `undecided` those that were finished, and never decided on.
        deleted: of the others, those that somebody took off the disk and said so.
        sittings: in which the decided runs were made, counted by the shard that took most.
        cut_off: sittings of the decided runs, of all shards, that have no end: what made them was killed.
        unentered: decided runs that were not entered when they were begun: made elsewhere, where none of this counted.
        elsewhere: runs of a suite that the decided ones measured, begun before them under another specification: other
            criteria, samples or plan. Which of these it was the chain does not tell.
    """

    number: int = 1
    runs: int = 1
    not_shipped: int = 0
    unfinished: int = 0
    undecided: int = 0
    deleted: int = 0
    sittings: int = 1
    cut_off: int = 0
    unentered: int = 0
    elsewhere: int = 0


def tries(
    entries: Iterable[tuple[str, Mapping[str, Any]]], scopes: Sequence[Scope], subject: str, decided: Collection[str]
) -> Tries:
    """Count the runs of one specification and subject, and the sittings of those that are decided on.

    Args:
        entries, scopes: as for `lines`.
        subject: digest of what the decided runs measured.
        decided: their ids.
    """
    wanted = {(scope.system, scope.spec, subject) for scope in scopes}
    same: list[str] = []
    finished: set[str] = set()
    deleted: set[str] = set()
    declared: set[str] = set()
    verdicts: dict[str, str] = {}
    open_: Counter[tuple[str, int]] = Counter()
    begun: Counter[tuple[str, int]] = Counter()
    entries = list(entries)
    for kind, body in entries:
        if kind == "decision.made":
            verdicts |= dict.fromkeys(body.get("runs") or body["heads"], str(body["verdict"]))
        elif kind == WITHDRAWN and body["run"] in same:
            same.remove(body["run"])
        elif kind == DELETED:
            deleted.add(body["run"])
        elif kind in (STARTED, STOPPED) and body["run"] in decided:
            shard = body["run"], body["shard"]
            begun[shard] += kind == STARTED
            open_[shard] += 1 if kind == STARTED else -1
        elif kind in _ABOUT and (body["system"], body["spec_digest"], body["subject_digest"]) in wanted:
            if body["run"] not in same:
                same.append(body["run"])
            if kind == "run.finished":
                finished.add(body["run"])
            if kind == DECLARED:
                declared.add(body["run"])
    unknown = len(set(decided).difference(same))  # Not entered yet: they are the newest.
    others = [run for run in same if run not in decided]
    last = max((number for number, run in enumerate(same, 1) if run in decided), default=0)
    return Tries(
        number=len(same) + unknown if unknown else last,
        runs=len(same) + unknown,
        not_shipped=sum(verdicts.get(run, "ship") != "ship" for run in others),
        unfinished=sum(run not in verdicts and run not in finished for run in others),
        undecided=sum(run not in verdicts and run in finished for run in others),
        deleted=sum(run in deleted for run in others),
        sittings=max(begun.values(), default=1),
        cut_off=sum(max(0, number) for number in open_.values()),
        unentered=len(set(decided) - declared),
        elsewhere=_elsewhere(entries, scopes, () if unknown else decided),
    )


def _elsewhere(
    entries: Iterable[tuple[str, Mapping[str, Any]]], scopes: Sequence[Scope], before: Collection[str]
) -> int:
    """Count the runs of a suite of some scopes under another specification, begun before the runs `before`, if any."""
    here = {(scope.system, scope.spec) for scope in scopes}
    systems = {scope.system for scope in scopes}
    suites: frozenset[str] = frozenset().union(*(scope.suites for scope in scopes))
    waiting = set(before)
    found: dict[str, bool] = {}  # run -> whether one that it must be before was begun later
    for kind, body in entries:
        if kind == WITHDRAWN:
            found.pop(str(body["run"]), None)
        elif kind in _ABOUT and body["run"] in waiting:
            waiting.discard(body["run"])
            found = dict.fromkeys(found, True)
        elif kind in _ABOUT and body["system"] in systems and (body["system"], body["spec_digest"]) not in here:
            known = found.get(str(body["run"]), not before)
            found |= {} if suites.isdisjoint(body.get("suites", ())) else {str(body["run"]): known}
    return sum(found.values())


def tried(found: Tries) -> str:
    """Return in words how often the same was tried.

    >>> tried(Tries(3, 4, not_shipped=2, unfinished=1))
    'the 3rd of 4 runs of this spec and subject, 2 did not ship, 1 never finished'
    >>> tried(Tries(1, 1, sittings=32, cut_off=31))
    'the 1st of 1 run of this spec and subject; made in 32 sittings, 31 of which have no end (killed)'
    >>> tried(Tries(1, 1, elsewhere=5))
    'the 1st of 1 run of this spec and subject; before it, 5 of its suites under other criteria, samples or plans'
    """
    said = f"the {_ordinal(found.number)} of {found.runs:,} run{'s' * (found.runs != 1)} of this spec and subject"
    if found.runs > 1:
        said += f", {found.not_shipped:,} did not ship, {found.unfinished:,} never finished"
    said += f", {found.undecided:,} not decided on" if found.undecided else ""
    said += f", {found.deleted:,} deleted" if found.deleted else ""
    if found.elsewhere:
        said += f"; before it, {found.elsewhere:,} of its suites under other criteria, samples or plans"
    if found.sittings > 1 or found.cut_off:
        ends = f"{found.cut_off:,} of which {'have' if found.cut_off > 1 else 'has'} no end (killed)"
        said += f"; made in {found.sittings:,} sitting{'s' * (found.sittings != 1)}"
        said += f", {ends}" if found.cut_off else ""
    if found.unentered:
        said += f"; {found.unentered:,} not entered when begun (made under another audit log)"
    return said


def sentence(found: LedgerPlace, gone: Collection[str] = ()) -> str:
    """Return a ledger in words.

    >>> states = [RunLine(f"RUN-{n}", state, "") for n, state in enumerate(("no-ship", "no-ship", "inconclusive"))]
    >>> sentence(LedgerPlace(4, tuple(states), ()))
    'the 4th run on these samples; 3 earlier: no-ship, no-ship, inconclusive'
    >>> sentence(LedgerPlace(1, (), ()))
    'the 1st run on these samples'
    >>> sentence(LedgerPlace(2, tuple(states[:1]), ()), ["RUN-0"])
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


def _states(some: Sequence[RunLine]) -> str:
    if len(some) <= _LISTED:
        return ", ".join(line.state for line in some)
    number = Counter(line.state for line in some)
    return ", ".join(f"{number[state]:,} {state}" for state in STATES if number[state])


def _ordinal(number: int) -> str:
    teen = 10 <= number % 100 <= 20
    return f"{number:,}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"
