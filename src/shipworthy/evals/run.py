"""Carry out a plan: bounded workers, limits, a durable record for every attempt; stop and resume without loss."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from shipworthy.core.errors import LimitReached
from shipworthy.core.protocols import Target
from shipworthy.detect.redact import seal
from shipworthy.evals.cache import ReplyCache
from shipworthy.evals.calls import CONCURRENCY, Calls
from shipworthy.evals.limits import Budget, Limits
from shipworthy.evals.plan import Plan, PlanItem, split_try
from shipworthy.evals.plugins import make_executor
from shipworthy.evals.progress import Progress
from shipworthy.evals.subject import Subject
from shipworthy.store.runlog import RunLog

GRACE_S = 15.0
"""When time is up, what is on its way may still arrive for this long."""
AHEAD = 64
"""Workers beyond the concurrency limit: they score and wait for the disk while others wait for the target."""


@dataclass(frozen=True)
class Session:
    """How one sitting of a run ended.

    Attributes:
        finished: attempts made durable in this sitting; `errors` of them without a score.
        requests: calls really made; `seconds` wall time.
        stopped: why it ended early, or the empty string.
    """

    finished: int
    errors: int
    requests: int
    seconds: float
    stopped: str = ""


async def run_plan(
    plan: Plan,
    subject: Subject,
    log: RunLog,
    *,
    limits: Limits | None = None,
    concurrency: int | None = None,
    cache: ReplyCache | None = None,
    progress: Progress | None = None,
    again: Mapping[str, int] | None = None,
) -> Session:
    """Make every attempt of a plan that the log does not hold yet.

    The log, the cache and the subject stay open: whoever opened them closes them. Cancelling it (Ctrl-C) stops
    cleanly: what was appended is durable, and the rest is as if it had not been begun.

    Args:
        limits: what this sitting may spend.
        concurrency: calls to the target at one time; what the target says, or 16, if left out.
        cache: replies kept so far.
        progress: what shows how it is going.
        again: attempts to make although they are in the log, by id, with the number of the new try (>= 2).

    Raises:
        UsageError: a plug-in cannot work as configured.
        StoreError: the log can no longer be written.
    """
    budget = Budget(limits)
    progress = progress or Progress(style="none")
    calls = Calls(
        subject.target,
        cache=cache,
        budget=budget,
        concurrency=concurrency or subject.concurrency or CONCURRENCY,
        secrets=subject.secrets,
    )
    content = {part.id: part.suite.content for part in plan.suites}
    # Of all samples, not only the one that is asked: what leaks may be another's.
    secrets = tuple(sorted({s for part in plan.suites for sample in part.suite.samples for s in sample.secrets}))
    models: list[Target] = []
    try:
        executor = make_executor(plan, subject, calls, models)
        again = again or {}
        waiting = _waiting(plan, log.finished, again)
        left = len(plan) - sum(1 for name in log.finished if split_try(name)[1] == 1) + len(again)
        errors = 0

        async def work() -> None:
            nonlocal errors
            for item in waiting:
                if budget.over:
                    return
                try:
                    attempt = await executor.attempt(item)
                except LimitReached:
                    return
                await log.append(seal(attempt, content[item.suite], secrets))
                progress.count(attempt)
                errors += attempt.outcome != "scored"

        progress.start(len(plan), len(plan) - left, budget, plan.id)
        try:
            await _gather([work() for _ in range(min(left, calls.concurrency + AHEAD))], budget)
        finally:
            progress.stop()
    finally:
        for model in models:
            await model.close()
    return Session(progress.done, errors, budget.requests, budget.seconds, budget.reason)


async def _gather(workers: Sequence[Coroutine[Any, Any, None]], budget: Budget) -> None:
    """Run the workers; one that fails stops the others, and its error is raised."""
    if not workers:
        return
    tasks = [asyncio.ensure_future(worker) for worker in workers]
    seconds = budget.remaining_seconds
    try:
        await asyncio.wait(
            tasks, timeout=None if seconds is None else seconds + GRACE_S, return_when=asyncio.FIRST_EXCEPTION
        )
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception):
            raise result


def _waiting(plan: Plan, finished: frozenset[str], again: Mapping[str, int]) -> Iterator[PlanItem]:
    for item in plan:
        if item.id in again:
            yield replace(item, id=f"{item.id}-{again[item.id]}")
        elif item.id not in finished:
            yield item
