"""Carry out a plan: bounded workers, limits, a durable record for every attempt; stop and resume without loss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from shipworthy.core import collector
from shipworthy.core.carries import EVERYTHING, carried
from shipworthy.core.credentials import revealed
from shipworthy.core.errors import LimitReached, StoreError, UsageError
from shipworthy.core.finished import failed
from shipworthy.core.foreign import forks, leave_if_forked, take_back_cancelling
from shipworthy.core.price import HINT, KEY
from shipworthy.core.protocols import Model
from shipworthy.core.records import Party, RoleUse
from shipworthy.detect.redact import seal
from shipworthy.evals.engine import make_engine
from shipworthy.evals.models import Crew
from shipworthy.evals.plan import Plan, PlanItem
from shipworthy.evals.progress import Progress
from shipworthy.evals.scenes import check_scenes
from shipworthy.evals.subject import Subject
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.cache import ReplyCache
from shipworthy.store.runlog import RunLog
from shipworthy.workspace.fits_target import HINTS, unmet

GRACE_S = 15.0
"""When time is up, what is on its way may still arrive for this long."""
ROUNDS = 100
"""Times that work is begun again which foreign code cancelled before it had begun."""
AHEAD = 64
"""Workers beyond the concurrency limit: they score and wait for the disk while others wait for the target."""


class _Ids(Protocol):
    def __contains__(self, id: object, /) -> bool: ...


class Ending(Struct, frozen=True):
    """How one sitting ended.

    Attributes:
        finished: attempts made durable in this sitting; `errors` of them without a score.
        requests: calls really made; `roles` the same by role, with what they took.
        seconds: wall time.
        stopped: why it ended early, or the empty string.
    """

    finished: int
    errors: int
    requests: int
    roles: Mapping[Party, RoleUse]
    seconds: float
    stopped: str = ""


async def run_plan(
    plan: Plan,
    subject: Subject,
    crew: Crew,
    log: RunLog,
    *,
    limits: Limits | None = None,
    concurrency: int | None = None,
    cache: ReplyCache | None = None,
    progress: Progress | None = None,
    again: Mapping[str, int] | None = None,
) -> Ending:
    """Make every attempt of the log's shard that the log does not hold yet.

    The log, the cache, the subject and the crew stay open: whoever opened them closes them. Cancelling it (Ctrl-C)
    stops cleanly: what was appended is durable, and the rest is as if it had not been begun.

    Args:
        limits: what this sitting may spend.
        concurrency: calls to the target at one time; what the target says, or 16, if left out.
        cache: replies kept so far.
        progress: what shows how it is going.
        again: attempts to make although they are in the log, by id, with the number of the new try (>= 2).

    Raises:
        UsageError: a plug-in cannot work as configured, or the target cannot carry what the plan asks of it; nothing
            was asked then.
        StoreError: the log can no longer be written.
        CredentialError: a secret that is to be looked for cannot be read; nothing was asked then.
    """
    _refuse_unmet(plan, subject, crew)
    if limits is not None and limits.cost_usd is not None:
        _refuse_unpriced(subject, crew)
    budget, again = Budget(limits), again or {}
    progress = progress or Progress(style="none")
    shard, shards = log.shard, log.manifest.shards
    content = {part.id: part.suite.content for part in plan.suites}
    # Of all samples, not only the one that is asked: what leaks may be another's.
    named = {s for part in plan.suites for sample in part.suite.samples for s in sample.secrets}
    named |= {s for part in plan.suites for s in part.suite.hidden}
    secrets = tuple(sorted(set(revealed(named))))
    errors = 0
    engine = make_engine(plan, subject, crew, cache=cache, budget=budget, concurrency=concurrency)
    check_scenes(plan, takes_tools=engine.target.takes_tools)
    # Most runs begin empty, and each item of a plan comes once: nothing needs to be looked up then.
    waiting = _Waiting(_waiting(plan.shard(shard, shards), log.finished if log.attempts else (), again))
    planned = shard_size(len(plan), shard, shards)
    left = planned - log.made + len(again)
    stop, since = _Stop(), forks()
    engine.stopping = stop.asked

    async def work() -> None:
        nonlocal errors
        for item in waiting:
            if budget.over:
                return
            try:
                attempt = await engine.attempt(item)
            except LimitReached:
                return
            except GeneratorExit:
                # A task of foreign code raised it, and so it closed all that waited for that task, up to here.
                if stop.asked():
                    raise
                attempt = engine.lost(item, "GeneratorExit came out of a task that it waited for")
            leave_if_forked(since)
            sealed = seal(attempt, content[item.suite], secrets)
            try:
                await log.append(sealed)
            except asyncio.CancelledError:
                # The line is written all the same. If it was code of an attempt that cancelled this task, it goes on.
                if stop.asked():
                    raise
                take_back_cancelling()
            progress.count(attempt)
            errors += failed(attempt.outcome)

    progress.start(planned, planned - left, budget, plan.id)
    try:
        workers = min(left, engine.target.places.concurrency + AHEAD)
        with collector.held_back():
            await _work_off(work, workers, waiting, budget, stop)
    finally:
        progress.stop()
    return Ending(progress.done, errors, budget.requests, budget.roles, budget.seconds, budget.reason)


def _refuse_unpriced(subject: Subject, crew: Crew) -> None:
    """Refuse a limit on money where nothing tells what a model costs: it would never be reached."""
    asked: list[tuple[str, Model]] = [("system under test", subject.target)]
    asked += [("attacker", model) for made in crew.attacks.values() for model in made.models]
    asked += [("judge", model) for some in crew.scorers.values() for made in some for model in made.models]
    for role, model in asked:
        if getattr(model, KEY, None) is None and not getattr(model, "tells_cost", False):
            raise UsageError(
                f"--max-cost cannot be kept: nothing tells what the {role} costs\n"
                f"Write it beside `use` of that target: {HINT}"
            )


def _refuse_unmet(plan: Plan, subject: Subject, crew: Crew) -> None:
    carries = carried(subject.target)
    if carries == EVERYTHING:
        return
    for part in plan.suites:
        attacks = {use.name: crew.attacks[use.name].plugin for use in part.attacks}
        for lacks in unmet(part.samples, attacks, carries):
            raise UsageError(f"the suite {part.id!r}: {lacks}, which the target does not carry: {HINTS[lacks.need]}")


def shard_size(planned: int, shard: int, shards: int) -> int:
    """Return how many of a plan's attempts fall to one shard.

    >>> [shard_size(10, shard, 4) for shard in range(4)]
    [3, 3, 2, 2]
    """
    return len(range(shard, planned, shards))


class _Stop:
    """Whether it is us who cancel the workers: this function, or whoever cancels the task that it runs in."""

    def __init__(self) -> None:
        self._gatherer, self.begun = asyncio.current_task(), False

    def asked(self) -> bool:
        """Say whether the workers are to stop."""
        return self.begun or self._gatherer is None or self._gatherer.cancelling() > 0


class _Waiting:
    """What is left to be made; whoever asks whether there is any loses none of it."""

    def __init__(self, items: Iterator[PlanItem]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[PlanItem]:
        while (item := next(self._items, None)) is not None:
            yield item

    def any(self) -> bool:
        """Say whether something is left."""
        if (first := next(self._items, None)) is None:
            return False
        self._items = chain([first], self._items)
        return True


async def _work_off(
    work: Callable[[], Coroutine[Any, Any, None]], workers: int, waiting: _Waiting, budget: Budget, stop: _Stop
) -> None:
    """Have so many workers do all that is left.

    Raises:
        StoreError: foreign code keeps them from it.
    """
    for _ in range(ROUNDS):
        cut = await _gather([work() for _ in range(workers)], budget, stop)
        if not cut or budget.over or not waiting.any():
            return
    raise StoreError("code of an attempt cancels the work on the run again and again")


async def _gather(workers: Sequence[Coroutine[Any, Any, None]], budget: Budget, stop: _Stop) -> bool:
    """Run the workers; one that fails stops the others, and its error is raised.

    Returns:
        Whether foreign code cancelled one that had not begun, so that attempts may be left.
    """
    if not workers:
        return False
    stop.begun = False
    tasks = [asyncio.ensure_future(worker) for worker in workers]
    seconds = budget.remaining_seconds
    try:
        await asyncio.wait(
            tasks, timeout=None if seconds is None else seconds + GRACE_S, return_when=asyncio.FIRST_EXCEPTION
        )
        cut = any(task.cancelled() for task in tasks)
    finally:
        stop.begun = True
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for result in ended:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result
    return cut


def _waiting(items: Iterator[PlanItem], finished: _Ids, again: Mapping[str, int]) -> Iterator[PlanItem]:
    for item in items:
        if item.id in again:
            yield replace(item, id=f"{item.id}-{again[item.id]}")
        elif item.id not in finished:
            yield item
