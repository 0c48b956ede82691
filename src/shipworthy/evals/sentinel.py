"""Sentinels: ask a target a few fixed probes, and say when it no longer answers as it did when it was enrolled.

Each probe is its own control: an answer is held against all earlier answers to the same probe. How strange it is among
them is a number, and the capital that is bet on these numbers is an e-value (`stats.conformal`). What a provider says
by itself, a model's name or a fingerprint that it did not give before, needs no statistics and is said apart.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from shipworthy.core.change import ChangeRecord
from shipworthy.core.errors import LimitReached, TargetError, TargetFiltered, UsageError
from shipworthy.core.records import Reply, Request, say
from shipworthy.core.sentinel import ProbeAnswer, SentinelLook, SentinelPlan, request_seed, uniform
from shipworthy.core.sentinel import Verdict as LookVerdict
from shipworthy.core.signoff import set_back
from shipworthy.detect.redact import redact_text
from shipworthy.evals.subject import Subject, build_subject, declaration
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.channel import Channel, Channels
from shipworthy.stats.conformal import ChangeTest, smoothed_p
from shipworthy.store.audit import AuditLog
from shipworthy.store.layout import Layout
from shipworthy.store.sentinels import choose_sentinel, read_looks, save_look
from shipworthy.workspace.load import Workspace

LONGEST = 4_000
"""Characters of an answer that are kept and compared."""
FILTERED = "[filtered by the provider]"
"""Stands for an answer that the provider's own filter refused: that is how it answered."""
_GRAM = 4
_SCALE = 1_000

Tell = Callable[[int, int], None]


class LookResult(NamedTuple):
    """A look, of which sentinel, and the change that was entered for it; None where it found none."""

    plan: SentinelPlan
    look: SentinelLook
    change: ChangeRecord | None


def enrol(
    workspace: Workspace,
    probes: Mapping[str, str],
    *,
    target: str | None = None,
    repeats: int = 10,
    again: int = 1,
    alpha: float = 0.01,
    limits: Limits = Limits(),
    tell: Tell = lambda done, planned: None,
) -> LookResult:
    """Have a target answer each probe several times, and keep the answers as what it is held against.

    Args:
        probes: id -> the user's message.
        target: its name; the system under test if left out. It is asked bare, without guards and tool policy.
        repeats: answers to each probe, at least 2; `again` at each later look.
        alpha: probability that it ever raises a false alarm, over all looks together.

    Raises:
        UsageError: a number is out of range, the target cannot be built, or it has no leave.
        TargetError: less than two answers to some probe came.
        LimitReached: a budget is used up; nothing is kept.
    """
    if not 2 <= len(probes) <= 200:
        raise UsageError(f"a sentinel has 2 to 200 probes, not {len(probes)}")
    if not 2 <= repeats <= 200 or not 1 <= again <= 50:
        raise UsageError("a probe is asked 2 to 200 times at the enrolment, and 1 to 50 times at each later look")
    if not 1e-9 <= alpha < 0.5:
        raise UsageError(f"alpha is {alpha:g}: it is a small probability, such as 0.01")
    use = workspace.target_named(target)
    name = target or next(name for name, one in workspace.targets.items() if one is workspace.target)
    now = time.time()
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now)) + f"{int(now % 1 * 1000):03d}"
    plan = SentinelPlan(
        id=f"SEN-{stamp}Z-{secrets.token_hex(3)}",
        system=workspace.system.id,
        target=name,
        declared=declaration(use, guards="none")["target"],
        probes=dict(probes),
        repeats=repeats,
        again=again,
        alpha=alpha,
        seed=secrets.randbits(48),
    )
    layout = Layout(workspace.root)
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        _check_clock(audit)
    answers = asyncio.run(_ask(workspace, plan, dict.fromkeys(probes, 0), repeats, limits=limits, tell=tell))
    given = _by_probe(answers)
    if short := [id for id in probes if len(given.get(id, ())) < 2]:
        errors = sorted({a.error for a in answers if a.error})
        raise TargetError(f"the target did not answer the probe {short[0]} twice: {', '.join(errors)}; nothing is kept")
    look = SentinelLook(number=0, at=_now(), answers=tuple(answers))
    with AuditLog(layout.control_url) as audit:
        save_look(layout, audit, plan, look)
    return LookResult(plan, look, None)


def probe(
    workspace: Workspace,
    sentinel: str = "latest",
    *,
    limits: Limits = Limits(),
    tell: Tell = lambda done, planned: None,
) -> LookResult:
    """Ask the probes again, and say whether the target still answers as it did.

    A change is entered in the audit chain with the look. Afterwards the sentinel has said what it can: enrol another.

    Raises:
        UsageError: there is no such sentinel, it said "changed" before, or the target is written in another way now.
        IntegrityError: the audit log, or a look, is not what was written.
        LimitReached: a budget is used up; the look is not kept.
    """
    layout = Layout(workspace.root)
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        _check_clock(audit)
        plan, looks = read_looks(layout, audit, choose_sentinel(audit, workspace.system.id, sentinel))
    again = f"`shipworthy sentinel enrol --target {plan.target}` makes another"
    if any(one.verdict == "changed" for one in looks):
        raise UsageError(f"{plan.id} found a change before, and holds the target against what it was: {again}")
    if plan.target not in workspace.targets:
        raise UsageError(f"{plan.id} is of the target {plan.target}, which is not there any more: {again}")
    if declaration(workspace.targets[plan.target], guards="none")["target"] != plan.declared:
        raise UsageError(
            f"{plan.id}: the target {plan.target} is written in another way than when it was enrolled: {again}"
        )
    asked: dict[str, int] = {}
    for one in looks:
        for answer in one.answers:
            asked[answer.probe] = max(asked.get(answer.probe, 0), answer.number + 1)
    answers = asyncio.run(_ask(workspace, plan, asked, plan.again, limits=limits, tell=tell))
    capital = capital_of(plan, [*(one.answers for one in looks), answers])
    announced = _announced(looks[0].answers, answers)
    answered = sum(not one.error for one in answers)
    verdict: LookVerdict = "unchanged"
    if capital >= 1 / plan.alpha or announced:
        verdict = "changed"
    elif 2 * answered < len(answers):
        verdict = "unanswered"
    look = SentinelLook(
        number=len(looks), at=_now(), answers=tuple(answers), capital=capital, verdict=verdict, announced=announced
    )
    with AuditLog(layout.control_url) as audit:
        change = save_look(layout, audit, plan, look, change_by(plan, looks[0], look) if verdict == "changed" else None)
    return LookResult(plan, look, change)


def read(workspace: Workspace, sentinel: str = "latest") -> tuple[SentinelPlan, list[SentinelLook]]:
    """Return a sentinel with its looks.

    Raises:
        UsageError: there is no such sentinel.
        IntegrityError: the audit log, or a look, is not what was written.
    """
    layout = Layout(workspace.root)
    with AuditLog(layout.control_url) as audit:
        audit.verify()
        return read_looks(layout, audit, choose_sentinel(audit, workspace.system.id, sentinel))


def change_by(plan: SentinelPlan, first: SentinelLook, look: SentinelLook) -> ChangeRecord:
    """Return the change that a look found."""
    if look.announced:
        was, now = ", ".join(_names(first.answers)) or "no name", ", ".join(look.announced)
        reason = f"The provider names another model or configuration at look {look.number}."
    else:
        was, now = f"{plan.id} look 0", f"{plan.id} look {look.number}"
        reason = (
            f"The answers to {len(plan.probes)} probes changed by look {look.number}: e-value {look.capital:,.0f}, "
            f"alarm from {1 / plan.alpha:,.0f} on."
        )
    return ChangeRecord(plan.system, "vendor-model", plan.target, was[:200], now[:200], "", reason, plan.id)


def capital_of(plan: SentinelPlan, looks: Sequence[Sequence[ProbeAnswer]]) -> float:
    """Return the capital after some looks, the enrolment first: worked out from their answers alone.

    Answers that are errors are left out. They are no evidence of a change, nor that there is none.
    """
    bags = {id: _Bag() for id in plan.probes}
    test = ChangeTest()
    for number, answers in enumerate(looks):
        found = []
        for answer in answers:
            if answer.error or answer.probe not in bags:
                continue
            scores = bags[answer.probe].add(answer.text)
            if number:
                found.append(smoothed_p(scores, uniform(plan, answer.probe, answer.number)))
        if number:
            test.look(np.array(found))
    return float(test.capital)


class _Bag:
    """The answers to one probe, and how far each is from the others in all: whole numbers, so that ties are ties."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._sums: list[int] = []

    def add(self, text: str) -> list[int]:
        """Take one more, and return the scores of all: a symmetric function of them."""
        apart = [distance(text, other) for other in self._texts]
        self._sums = [total + one for total, one in zip(self._sums, apart, strict=True)]
        self._texts.append(text)
        self._sums.append(sum(apart))
        return self._sums


def distance(one: str, other: str) -> int:
    """Return how unlike two answers are, from 0 to 1,000: the share of their pieces of four letters that differ.

    Case and white space aside.

    >>> distance("Yes, it is.", "yes,  it is."), distance("abcd", "wxyz")
    (0, 1000)
    """
    a, b = _grams(one), _grams(other)
    if a == b:
        return 0
    return max(1, round(_SCALE * (1 - len(a & b) / len(a | b))))


@lru_cache(maxsize=20_000)
def _grams(text: str) -> frozenset[str]:
    words = " ".join(text.casefold().split())
    return frozenset(words[at : at + _GRAM] for at in range(max(1, len(words) - _GRAM + 1)))


def _announced(first: Sequence[ProbeAnswer], answers: Sequence[ProbeAnswer]) -> tuple[str, ...]:
    """Return the names that were not given at the enrolment; nothing where none were given then."""
    known = set(_names(first))
    return tuple(name for name in _names(answers) if name not in known) if known else ()


def _names(answers: Sequence[ProbeAnswer]) -> list[str]:
    names = {(a.model, a.fingerprint) for a in answers if not a.error and (a.model or a.fingerprint)}
    return sorted(" ".join(part for part in pair if part) for pair in names)


def _by_probe(answers: Sequence[ProbeAnswer]) -> Mapping[str, list[str]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for answer in answers:
        if not answer.error:
            found[answer.probe].append(answer.text)
    return found


async def _ask(
    workspace: Workspace, plan: SentinelPlan, asked: Mapping[str, int], times: int, *, limits: Limits, tell: Tell
) -> list[ProbeAnswer]:
    """Ask each probe so many times, past the reply cache; in the order in which they are compared."""
    subject = build_subject(workspace, False, target=plan.target)
    try:
        channel = Channels(budget=Budget(limits)).open(subject.target, secrets=subject.secrets)
        order = [(id, asked.get(id, 0) + turn) for turn in range(times) for id in plan.probes]
        done = 0

        async def one(id: str, number: int) -> ProbeAnswer:
            nonlocal done
            found = await _answer(channel, subject, plan, id, number)
            done += 1
            tell(done, len(order))
            return found

        tasks = [asyncio.ensure_future(one(*each)) for each in order]
        try:
            return list(await asyncio.gather(*tasks))
        finally:
            for task in tasks:
                task.cancel()
    finally:
        await subject.close()


async def _answer(channel: Channel, subject: Subject, plan: SentinelPlan, id: str, number: int) -> ProbeAnswer:
    request = Request(messages=(say("user", plan.probes[id]),), seed=request_seed(plan, id, number))
    try:
        reply = (await channel.ask(request, keep=False)).reply
    except TargetFiltered:
        return ProbeAnswer(id, number, FILTERED)
    except LimitReached:
        raise
    except TargetError as error:
        return ProbeAnswer(id, number, error=type(error).__name__)
    text = subject.scrub(_said(reply))[:LONGEST]
    model, fingerprint = (redact_text(name, subject.secrets)[:200] for name in (reply.model, reply.fingerprint))
    return ProbeAnswer(id, number, text, "", model, fingerprint)


def _said(reply: Reply) -> str:
    """Return what was answered, with the calls of tools; how a model reasons is no part of it."""
    calls = [f"{call.name} {sorted(call.arguments.items())}" for call in reply.tool_calls]
    return "\n".join([reply.text, *calls])


def _check_clock(audit: AuditLog) -> None:
    latest = max((entry.at for entry in audit.entries()), default="")
    if latest and set_back(latest, _now()):
        raise UsageError(
            f"this machine's clock shows {_now()}, and the audit log has an entry of {latest}: the clock was set back. "
            "Put it right: looks are kept in their order"
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
