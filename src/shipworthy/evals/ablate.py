"""What each guard does: runs with all of them, with each left out, and with none, held against each other in pairs."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from math import fsum, isinf
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from shipworthy.core.digests import digest
from shipworthy.core.errors import UsageError
from shipworthy.core.events import Usage
from shipworthy.evals.results import Run
from shipworthy.evals.side_by_side import SideBySide, side_by_side
from shipworthy.store.files import make_directory
from shipworthy.store.layout import Layout
from shipworthy.workspace.nodes import read_yaml
from shipworthy.workspace.read import read_guards
from shipworthy.workspace.scalars import plain

if TYPE_CHECKING:
    from shipworthy.workspace.load import Workspace

ALL, NONE = "all guards", "no guards"


class Variant(NamedTuple):
    """One pipeline of an ablation: what a reader calls it, and the guard file that has it."""

    name: str
    file: Path


class AblationCost(Struct, frozen=True):
    """What one of the pipelines took.

    Attributes:
        guard_ms: median over samples of the guards' wall time an attempt.
        change, low, high: median over samples of the difference to all guards, with its 95 % interval, in ms; None for
            all guards themselves, and a bound of it where there are too few samples to say.
        calls: to the target; `usage` the tokens and money of all that was asked, kept replies included.
        blocked: attempts in which a guard kept back question or answer.
    """

    name: str
    guard_ms: float
    change: float | None
    low: float | None
    high: float | None
    calls: int
    usage: Usage
    blocked: int


class Ablation(Struct, frozen=True):
    """The runs side by side, all guards first and none last, and what each took.

    A change is of what is left when a guard is left out, against all guards: a guard whose work another one does, too,
    shows none.
    """

    table: SideBySide
    spent: tuple[AblationCost, ...]


def variants(workspace: Workspace, file: Path | None = None) -> list[Variant]:
    """Write down the guard files of an ablation, under ``.shipworthy/ablations``, and return them.

    Only rules that are in force are left out, one at a time: a shadow rule changes nothing. The tool policy stays in
    all of them.

    Args:
        file: the guard file; the workspace's ``guards.yaml`` if left out.

    Raises:
        UsageError: there is no guard file, or none of its rules is in force.
        WorkspaceError: every problem in it.
    """
    path = file or workspace.root / "guards.yaml"
    if not path.is_file():
        raise UsageError(f"{path}: there is no such guard file: write one, or name one with --guards FILE")
    rules = read_guards(path, workspace.facts).rules
    chosen = [rule.id for rule in rules if rule.mode == "enforce"]
    if not chosen:
        raise UsageError(f"{path}: no rule is in force, so there is none to leave out")
    written = plain(read_yaml(path).value)
    place = Layout(workspace.root).state / "ablations" / digest(written).removeprefix("sha256:")[:16]
    make_directory(place)
    every = {str(rule["id"]) for rule in written["rules"]}
    found = [(ALL, "all", set[str]()), *((f"without {id}", f"without-{id}", {id}) for id in chosen)]
    made = []
    for name, stem, out in [*found, (NONE, "none", every)]:
        kept = [rule for rule in written["rules"] if str(rule["id"]) not in out]
        target = place / f"{stem}.yaml"
        # JSON is YAML; the same text each time, so that a second ablation goes on where a first one stopped.
        target.write_text(json.dumps({**written, "rules": kept}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        made.append(Variant(name, target))
    return made


def ablation(runs: Sequence[Run], names: Sequence[str]) -> Ablation:
    """Hold the runs of an ablation against the first, which has all guards.

    Args:
        runs: one a variant, in their order; complete ones.
        names: of the variants.

    Raises:
        UsageError: fewer than two runs.
        IntegrityError: a log is not what was written.
    """
    table = side_by_side(runs, names, baseline=0)
    read = [_Read(run) for run in runs]
    return Ablation(table, tuple(_spent(*each, read[0]) for each in zip(names, runs, read, strict=True)))


def ablate(
    workspace: Workspace, file: Path | None, run: Callable[[Variant], Run | None]
) -> tuple[list[Run], Ablation | None]:
    """Make the runs of an ablation, one after the other: replies that no guard touched come from the cache.

    Args:
        run: makes one of them; None, or one that is not complete, ends the ablation.

    Returns:
        The runs so far, and what they say; None where one is missing.

    Raises:
        UsageError, WorkspaceError: as for `variants`.
    """
    todo = variants(workspace, file)
    made: list[Run] = []
    for variant in todo:
        found = run(variant)
        if found is None:
            return made, None
        made.append(found)
        if not found.complete:
            return made, None
    return made, ablation(made, [variant.name for variant in todo])


class _Read:
    """What is read of a run beside its scores: guard time by attempt, calls, and what was kept back."""

    def __init__(self, run: Run) -> None:
        self.seconds: dict[str, float] = {}
        self.clusters: dict[str, str] = {}
        self.blocked = 0
        for row in run.rows():
            self.seconds[row.id] = row.timing.guard_seconds
            self.clusters[row.id] = row.cluster
            attempt = row.attempt() if row.timing.guard_seconds else None
            self.blocked += attempt is not None and any(
                e.action == "block" and not e.shadow and e.stage != "retrieved" for e in attempt.guard_events
            )

    def by_cluster(self, values: Iterator[tuple[str, float]]) -> list[float]:
        """Return the mean of each cluster's attempts: they hang together."""
        found: dict[str, list[float]] = defaultdict(list)
        for id, value in values:
            found[self.clusters[id]].append(value)
        return [fsum(of) / len(of) for of in found.values()]


def _spent(name: str, run: Run, mine: _Read, base: _Read) -> AblationCost:
    from shipworthy.stats import median_interval

    usage = Usage()
    for use in run.roles.values():
        usage = usage + use.usage
    target = run.roles.get("target")
    own = mine.by_cluster(iter(mine.seconds.items()))
    change = low = high = None
    if mine is not base:
        both = mine.seconds.keys() & base.seconds.keys()
        pairs = mine.by_cluster((id, mine.seconds[id] - base.seconds[id]) for id in sorted(both))
        with suppress(ValueError):  # none in common
            found = median_interval(pairs)
            change, low, high = (1000 * v for v in (found.median, found.low, found.high))
    median = 1000 * median_interval(own).median if own else 0.0
    return AblationCost(
        name, median, change, _finite(low), _finite(high), target.calls if target else 0, usage, mine.blocked
    )


def _finite(value: float | None) -> float | None:
    return None if value is None or isinf(value) else value
