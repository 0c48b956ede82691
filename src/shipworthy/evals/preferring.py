"""Answers of several runs to the same samples, compared by a judge in pairs, and the strengths that follow."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import combinations
from typing import Any, NamedTuple

from shipworthy.core.errors import LimitReached, ScorerError, UsageError, did_you_mean
from shipworthy.core.foreign import kind_of, message_of, must_pass
from shipworthy.core.protocols import Ask
from shipworthy.core.records import Attempt
from shipworthy.evals.begin import open_cache
from shipworthy.evals.judged_answer import Share, share
from shipworthy.evals.judging import ScorerChoice, open_bench
from shipworthy.evals.results import Run
from shipworthy.exchange.budget import Budget
from shipworthy.exchange.channel import Channels
from shipworthy.exchange.exchange import Exchange
from shipworthy.scorers.preferred import PairCase, PreferenceJudge
from shipworthy.stats import BradleyTerry, PairChoice, bradley_terry
from shipworthy.workspace.load import Workspace
from shipworthy.workspace.suite import Suite


class PairCount(NamedTuple):
    """How one run's answers fared against another's: `split` where the two orders contradicted each other."""

    first: str
    second: str
    wins: int
    ties: int
    losses: int
    split: int


class PreferenceReport(NamedTuple):
    """What a judge prefers.

    Attributes:
        judge: its identity, as calibrations name it; `rubric` such as ``better@1``.
        metric: of the scorer.
        found: strengths and pairs; ties and split orders count half.
        counts: of each pair.
        steady: share of comparisons in which both orders said the same, with limits; None where nothing was compared.
        samples: answered by at least two runs; `left_out` those that were not, for want of an answer in words.
        errors: comparisons without a word, by what was said.
    """

    judge: str
    metric: str
    rubric: str
    found: BradleyTerry
    counts: tuple[PairCount, ...]
    steady: Share | None
    samples: int
    left_out: int
    errors: Mapping[str, int]


class _Answer(NamedTuple):
    run: str
    request: str
    text: str
    cluster: str


def preference_judge(workspace: Workspace, suite: str) -> ScorerChoice:
    """Return the scorer ``preferred`` of a suite.

    Raises:
        UsageError: there is no such suite, or no such scorer in it.
    """
    held: Suite | None = workspace.suites.get(suite)
    if held is None:
        raise UsageError(f"there is no suite {suite!r}: {did_you_mean(suite, list(workspace.suites))}")
    for use in held.scorers:
        if use.use == "preferred":
            return ScorerChoice(suite, use, str(use.params.get("metric", "preferred")))
    raise UsageError(
        f"{suite} has no judge of pairs: write `- {{use: preferred, model: {{use: ...}}}}` among its scorers, or name "
        "a suite that has one with --judge"
    )


def prefer(
    workspace: Workspace,
    choice: ScorerChoice,
    runs: Mapping[str, Run],
    suite: str,
    *,
    attack: str = "none",
    limit: int | None = None,
    cache: bool = True,
    tell: Callable[[int, int], None] = lambda done, planned: None,
) -> PreferenceReport:
    """Have a judge compare the answers of runs, each pair of them in both orders.

    What was asked before is in the reply cache: what was cut off goes on where it was.

    Args:
        choice: the judge, see `preference_judge`.
        runs: by name, two or more.
        suite: whose samples are compared.
        attack: attempts under it; the first of each sample.
        limit: at most so many samples, spread over them by their ids.

    Raises:
        UsageError: fewer than two runs, or too little that both answered.
    """
    if len(runs) < 2:
        raise UsageError("name at least two runs: a preference is between two answers")
    answered: dict[str, list[_Answer]] = {}
    for name, run in runs.items():
        for sample, answer in _answers(name, run, suite, attack).items():
            answered.setdefault(sample, []).append(answer)
    shared = {sample: some for sample, some in sorted(answered.items()) if len(some) > 1}
    if limit is not None and len(shared) > limit:
        step = len(shared) / limit
        keys = list(shared)
        shared = {key: shared[key] for key in (keys[int(n * step)] for n in range(limit))}
    pairs = [pair for some in shared.values() for pair in combinations(some, 2)]
    if len(shared) < 2:
        raise UsageError(f"{len(shared)} sample(s) of {suite} under {attack!r} have an answer of two runs")
    said = asyncio.run(_ask(workspace, choice, pairs, cache, tell))
    choices, errors = [], Counter[str]()
    tally: dict[tuple[str, str], Counter[str]] = {}
    for (one, other), share_ in zip(pairs, said.shares, strict=True):
        key = min(one.run, other.run), max(one.run, other.run)
        counts = tally.setdefault(key, Counter())
        if isinstance(share_, str):
            errors[share_] += 1
            continue
        turned = share_ if share_ is None or key == (one.run, other.run) else 1 - share_
        counts[{None: "split", 1.0: "wins", 0.5: "ties", 0.0: "losses"}[turned]] += 1
        choices.append(PairChoice(one.run, other.run, 0.5 if share_ is None else share_, one.cluster))
    if len({one.cluster for one in choices}) < 2:
        why = f": {next(iter(errors))}" if errors else ""
        raise UsageError(f"the judge compared too little{why}")
    try:
        found = bradley_terry(choices)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return PreferenceReport(
        judge=said.judge,
        metric=choice.metric,
        rubric=said.rubric,
        found=found,
        counts=tuple(
            PairCount(*key, *(counts[name] for name in ("wins", "ties", "losses", "split")))
            for key, counts in sorted(tally.items())
        ),
        steady=share([not isinstance(s, str) and s is not None for s in said.shares if not isinstance(s, str)]),
        samples=len(shared),
        left_out=len({s for run in runs.values() for s in _samples(run, suite, attack)}) - len(shared),
        errors=dict(errors.most_common()),
    )


class _Said(NamedTuple):
    judge: str
    rubric: str
    shares: Sequence[float | str | None]


async def _ask(
    workspace: Workspace,
    choice: ScorerChoice,
    pairs: Sequence[tuple[_Answer, _Answer]],
    cache: bool,
    tell: Callable[[int, int], None],
) -> _Said:
    replies = open_cache(workspace, cache)
    channels = Channels(cache=replies, budget=Budget())
    opened: list[Any] = []
    done = 0
    try:
        bench = open_bench(choice, channels, opened)
        scorer: Any = bench.scorer
        channel = next(iter(bench.channels), None)
        if channel is None or not isinstance(scorer, PreferenceJudge):
            raise UsageError(f"the judge of pairs of {choice.suite} names no model: write `model: {{use: ...}}`")

        async def one(first: _Answer, second: _Answer) -> float | str | None:
            nonlocal done
            ask: Ask = Exchange(channel).model("judge", channel)
            try:
                found = await scorer.prefer(ask, PairCase(first.request, first.text, second.text))
                return found.share
            except LimitReached:
                raise
            except BaseException as error:
                if must_pass(error):
                    raise
                said = message_of(error)
                return said if isinstance(error, ScorerError) else f"{kind_of(error)}: {said}"
            finally:
                done += 1
                tell(done, len(pairs))

        tasks = [asyncio.ensure_future(one(*pair)) for pair in pairs]
        try:
            shares = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
        return _Said(bench.identity, bench.rubric, shares)
    finally:
        for model in opened:
            with suppress(Exception):
                await model.close()
        if replies is not None:
            replies.close()


def _answers(name: str, run: Run, suite: str, attack: str) -> dict[str, _Answer]:
    """Return the first answer in words to each sample."""
    found: dict[str, _Answer] = {}
    for attempt in run.attempts():
        # What a scorer made of an answer, or failed to make, is not asked here.
        answered = attempt.outcome in {"scored", "scorer_error"} and attempt.answer.strip()
        if (attempt.suite, attempt.attack) != (suite, attack) or not answered:
            continue
        if attempt.sample not in found:
            found[attempt.sample] = _Answer(name, _request(attempt), attempt.answer, attempt.cluster)
    return found


def _samples(run: Run, suite: str, attack: str) -> set[str]:
    return {row.sample for row in run.rows() if row.suite == suite and row.attack == attack}


def _request(attempt: Attempt) -> str:
    return "\n\n".join(m.text for m in attempt.messages if m.role == "user")
