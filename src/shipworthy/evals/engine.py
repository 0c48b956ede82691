"""Make attempts: open an exchange, let the attack hold its conversation in it, let the scorers judge, name the outcome.

Only ``scored`` enters a rate. A target that failed, one that was too slow, one whose provider refused to answer, an
attack that broke and a scorer that could not judge are different errors, and none of them is "safe". Where an attack
cannot change a sample, nothing is asked: that is neither.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from random import Random
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from shipworthy.core.approvers import Person
from shipworthy.core.errors import (
    AttackError,
    LimitReached,
    PolicyRefused,
    ScorerError,
    TargetError,
    TargetFiltered,
    TargetTimeout,
    UsageError,
)
from shipworthy.core.events import Event, Timing
from shipworthy.core.finished import INAPPLICABLE
from shipworthy.core.foreign import kind_of, message_of, must_pass, take_back_cancelling
from shipworthy.core.protocols import Attack, AttackContext, ScoreContext, Scorer, World, inapplicable
from shipworthy.core.records import Attempt, Outcome, Reply, Sample, Score
from shipworthy.evals.models import Crew, MadeModel
from shipworthy.evals.plan import Plan, PlanItem
from shipworthy.evals.silence import silence
from shipworthy.evals.subject import Subject
from shipworthy.exchange.budget import Budget
from shipworthy.exchange.cache import ReplyCache
from shipworthy.exchange.channel import Channel, Channels
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange
from shipworthy.workspace.fits_target import HINTS


class Attacker(NamedTuple):
    """An attack, and the way to the model that was configured for it."""

    attack: Attack
    model: Channel | None = None


class Judge(NamedTuple):
    """A scorer, and the ways to the models that were configured for it."""

    scorer: Scorer
    models: tuple[Channel, ...] = ()


class Engine:
    """Makes attempts; holds what they share.

    Args:
        target: the way to the system under test.
        attackers: by name, as in `PlanItem.attack`.
        judges: by suite id.
        mediation: guards and tool policy in front of the target, and what takes secrets out of an error's message.
        private: ids of the suites whose text must not be kept.
        shows_reasoning: whether the target's users see how it reasons, for the scorers (`ScoreContext`).

    Attributes:
        stopping: says whether whoever runs the attempts is stopping them. A task that is cancelled otherwise was
            cancelled by the code in it. None where nobody can tell: every cancellation then passes.
    """

    def __init__(
        self,
        target: Channel,
        attackers: Mapping[str, Attacker],
        judges: Mapping[str, Sequence[Judge]],
        *,
        mediation: Mediation | None = None,
        private: frozenset[str] = frozenset(),
        shows_reasoning: bool | None = None,
        approver: Person = "nobody",
    ) -> None:
        self.target, self.attackers, self.judges = target, attackers, judges
        self.mediation, self.private = mediation or Mediation(), private
        self._person = approver
        # Times follow a clock that only goes forward, whatever the machine's own is set to meanwhile.
        self._epoch = time.time() - time.perf_counter()
        self.stopping: Callable[[], bool] | None = None
        # Most scorers ask nobody: they share one context.
        self._alone = ScoreContext(None, shows_reasoning)

    async def attempt(self, item: PlanItem, *, draw: int | None = None) -> Attempt:
        """Make one attempt.

        Args:
            draw: seed of the target's sampling, in [0, 2**31), in place of the item's: the attack says the same.

        Raises:
            LimitReached: the budget ran out on the way, in whatever role; nothing is to be recorded.
            UsageError: the target, attack or scorer cannot work as configured; the run must stop.
        """
        clock = time.perf_counter()
        rng, sample = Random(item.seed), item.sample
        seed = rng.getrandbits(31)  # drawn in any case: what the attack draws after it must not depend on `draw`
        world, broken = self._world(item)
        exchange = Exchange(
            self.target,
            self._mediated(sample, world),
            world=world,
            seed=seed if draw is None else draw,
            user=sample.user,
            documents=sample.documents,
            session=item.id,
            keep=item.suite not in self.private,
        )
        if broken is None:
            outcome, error = await self._attack(item, exchange, rng)
        else:
            exchange.fail("tool", broken)
            outcome, error = "attack_error", f"the world could not be set up: {self._say(broken)}"
        if exchange.limit is not None:
            raise exchange.limit  # Who swallowed it has not done what it set out to do.
        attempt = Attempt(
            id=item.id,
            suite=item.suite,
            sample=sample.id,
            attack=item.attack,
            number=item.number,
            cluster=item.cluster,
            seed=item.seed,
            content_hash=item.content_hash,
            outcome=outcome,
            severity=sample.severity,
            events=tuple(exchange.events),
            error=error,
        )
        scores: tuple[Score, ...] = ()
        if outcome == "scored":
            outcome, scores, error = await self._score(attempt, item, exchange)
            if exchange.limit is not None:
                raise exchange.limit
            if outcome == "scored" and (silent := silence(attempt)):
                # What an earlier answer gave away stays said; that the last one is harmless, nobody has shown.
                outcome, error = "target_error", silent
                scores = tuple(score for score in scores if score.hit)
        timing = Timing(
            self._epoch + clock,
            max(0.0, time.perf_counter() - clock - exchange.queued),
            exchange.guard_seconds,
            tuple(exchange.spans),
            exchange.oldest,
        )
        events = attempt.events if len(exchange.events) == len(attempt.events) else tuple(exchange.events)
        if self.mediation.shadow is not None and exchange.journal is not None:
            words: list[Event] = [*await self.mediation.shadow.words(exchange.journal.past(item.id))]
            self.target.hide_in(words)
            events = (*events, *words)
        return replace(attempt, outcome=outcome, scores=scores, error=error, events=events, timing=timing)

    def _mediated(self, sample: Sample, world: World | None) -> Mediation:
        """Return what stands before one attempt's tools: with the person who is asked, if there is one."""
        if self._person == "nobody" or self.mediation.policy is None:
            return self.mediation
        from shipworthy.agents.approver import StandIn
        from shipworthy.agents.joined import JoinedWorld

        return self.mediation.with_approver(
            StandIn(self._person, sample.scene, world if isinstance(world, JoinedWorld) else None)
        )

    def lost(self, item: PlanItem, why: str) -> Attempt:
        """Return the record of an attempt that foreign code broke off in a way that left none."""
        return Attempt(
            id=item.id,
            suite=item.suite,
            sample=item.sample.id,
            attack=item.attack,
            number=item.number,
            cluster=item.cluster,
            seed=item.seed,
            content_hash=item.content_hash,
            outcome="target_error",
            severity=item.sample.severity,
            error=why,
            timing=Timing(self._epoch + time.perf_counter(), 0.0, 0.0, ()),
        )

    def _world(self, item: PlanItem) -> tuple[World | None, BaseException | None]:
        """Return the worlds of an attempt, made anew, or why there are none.

        Raises:
            UsageError: the sample's scene names what does not exist, or the target calls no tools: that nothing
                happened in a world that it cannot reach would read as safe.
        """
        scene = item.sample.scene
        if scene is None:
            return None, None
        if not self.target.takes_tools:
            raise UsageError(f"the sample {item.sample.id!r} needs an agent: {HINTS['world']}")
        from shipworthy.agents.stage import open_scene  # which only suites of agents pay for

        try:
            return open_scene(scene, item.seed), None
        except UsageError:
            raise
        except BaseException as failure:
            if must_pass(failure) and not self._from_within(failure):
                raise
            return None, failure

    async def _attack(self, item: PlanItem, exchange: Exchange, rng: Random) -> tuple[Outcome, str]:
        """Hold the conversation; return how that ended, and why where it did not end well."""
        attack, model = self.attackers[item.attack]
        context = AttackContext(
            rng,
            exchange.model("attacker", model) if model is not None else None,
            self._oracle(item, exchange, getattr(attack, "queries", 0)),
        )
        try:
            if why := inapplicable(attack, item.sample):
                return INAPPLICABLE, self.mediation.scrub(why)
            exchange.choose(_reply(await attack.attempt(item.sample, exchange.ask, context)))
        except (LimitReached, UsageError):
            raise
        except BaseException as failure:
            if must_pass(failure) and not self._from_within(failure):
                raise
            if exchange.stopped is not None:
                return "refused", self._say(exchange.stopped)
            message = self._say(failure)
            if failure is exchange.failure:
                return _target_outcome(failure), message
            if isinstance(failure, asyncio.CancelledError) and exchange.cut:
                said = TargetError("the target cancelled the task that it was asked in")
                exchange.fail("target", said)
                return "target_error", str(said)
            if isinstance(failure, ScorerError):  # of the oracle: nobody else in here raises it
                return "scorer_error", message
            exchange.fail("attack", failure)
            # What went wrong is not the system's fault, but no answer was obtained, so it is no score either.
            named = "" if isinstance(failure, AttackError) else f"{kind_of(failure)}: "
            return "attack_error", f"the attack {item.attack} failed: {named}{message}"
        if exchange.stopped is not None:
            return "refused", self._say(exchange.stopped)  # An attack that swallowed the stop has not gone on either.
        return "scored", ""

    def _oracle(
        self, item: PlanItem, exchange: Exchange, queries: int
    ) -> Callable[[], Awaitable[Sequence[Score]]] | None:
        """Return what has the scorers judge the conversation so far, as often as the attack declares."""
        if not queries:
            return None
        left = queries

        async def score() -> Sequence[Score]:
            nonlocal left
            if not left:
                raise AttackError(f"the attack has used up its {queries:,} queries of the scorers")
            if not exchange.answered:
                raise AttackError("the attack asked the scorers about a conversation without an answer")
            left -= 1
            so_far = Attempt(
                id=item.id,
                suite=item.suite,
                sample=item.sample.id,
                attack=item.attack,
                number=item.number,
                cluster=item.cluster,
                seed=item.seed,
                content_hash=item.content_hash,
                outcome="scored",
                severity=item.sample.severity,
                events=tuple(exchange.events),
            )
            outcome, scores, error = await self._score(so_far, item, exchange)
            if outcome != "scored":
                raise ScorerError(error)
            return scores

        return score

    async def _score(
        self, attempt: Attempt, item: PlanItem, exchange: Exchange
    ) -> tuple[Outcome, tuple[Score, ...], str]:
        """Let every scorer of the suite speak. What some said is kept even if another fails: a leak is a leak."""
        scores: list[Score] = []
        errors: list[str] = []
        for scorer, models in self.judges[item.suite]:
            name = type(scorer).__name__
            context = self._alone
            if models:
                asks = tuple(exchange.model("judge", model) for model in models)
                context = ScoreContext(asks[0], context.shows_reasoning, asks)
            try:
                given = _scores(await scorer.score(attempt, item.sample, context), scorer)
            except (LimitReached, UsageError):
                raise
            except BaseException as failure:
                if must_pass(failure) and not self._from_within(failure):
                    raise
                exchange.fail("scorer", failure)
                errors.append(f"{name}: {kind_of(failure)}: {self._say(failure)}")
                continue
            if not given:
                errors.append(f"{name} gave no score")
            for score in given:
                if any(score.metric == other.metric for other in scores):
                    # Two words on one metric would count an attempt twice, or let one of them overrule the other.
                    errors.append(f"{name} gave a second score for the metric {score.metric!r}")
                scores.append(score)
        return ("scorer_error" if errors else "scored"), tuple(scores), "; ".join(errors)

    def _from_within(self, failure: BaseException) -> bool:
        """Say whether code of an attempt cancelled the task it runs in, and take that back: the attempt ends, no more.

        Otherwise a target that cancels its own task, or those of others, would leave attempts without a record.
        """
        if self.stopping is None or self.stopping() or not isinstance(failure, asyncio.CancelledError):
            return False
        take_back_cancelling()
        return True

    def _say(self, failure: BaseException) -> str:
        return self.mediation.scrub(message_of(failure))


def make_engine(
    plan: Plan,
    subject: Subject,
    crew: Crew,
    *,
    cache: ReplyCache | None = None,
    budget: Budget | None = None,
    concurrency: int | None = None,
) -> Engine:
    """Put a plan's attacks and scorers around a subject. Whoever built subject and crew closes them.

    Args:
        concurrency: calls to the target at one time; what the target says, or 16, if left out.
    """
    channels = Channels(cache=cache, budget=budget)
    target = channels.open(subject.target, secrets=subject.secrets, concurrency=concurrency)

    def ways(made: MadeModel) -> tuple[Channel, ...]:
        return tuple(channels.open(model, secrets=(*subject.secrets, *crew.secrets)) for model in made.models)

    return Engine(
        target,
        {name: Attacker(made.plugin, next(iter(ways(made)), None)) for name, made in crew.attacks.items()},
        {suite: [Judge(made.plugin, ways(made)) for made in some] for suite, some in crew.scorers.items()},
        mediation=Mediation(subject.pipeline, policy=subject.policy, scrub=subject.scrub, shadow=subject.shadow),
        private=frozenset(part.id for part in plan.suites if part.suite.content != "synthetic"),
        shows_reasoning=subject.shows_reasoning,
        approver=subject.approver,
    )


def _target_outcome(failure: BaseException) -> Outcome:
    if isinstance(failure, TargetTimeout):
        return "timeout"
    if isinstance(failure, TargetFiltered):
        return "filtered"
    if isinstance(failure, PolicyRefused):
        return "refused"
    return "target_error"


def _reply(returned: object) -> Reply | None:
    if returned is not None and not isinstance(returned, Reply):
        raise AttackError(f"it returned a {kind_of(returned)}, not the reply to judge")
    return returned


class _Given(msgspec.Struct):
    """What a scorer gave. msgspec learns a struct's type once, a tuple's at every call: three times as long."""

    scores: tuple[Score, ...]


def _scores(given: Sequence[Score], scorer: Scorer) -> tuple[Score, ...]:
    """Return a scorer's scores if they are some: records are not checked when they are made.

    Raises:
        ScorerError: a score is not in the scorer's own name, of a metric that it does not declare, or not of that
            metric's kind or range.
    """
    scores = msgspec.convert({"scores": msgspec.to_builtins(tuple(given))}, _Given).scores
    own = scorer.describe().get("scorer")
    for score in scores:
        if score.scorer != own:
            raise ScorerError(f"it signed a score as {score.scorer!r}, and describes itself as {own!r}")
        metric = next((m for m in scorer.metrics if m.name == score.metric), None)
        if metric is None:
            raise ScorerError(f"it gave the metric {score.metric!r}, which it does not declare")
        if metric.kind == "event" and score.value is not None:
            raise ScorerError(f"it gave a value for {score.metric!r}, which counts events")
        if metric.kind == "value":
            if score.hit is not None:
                raise ScorerError(f"it gave a hit for {score.metric!r}, which is a value")
            if score.value is not None and not metric.low <= score.value <= metric.high:
                where = f"[{metric.low:g}, {metric.high:g}]"
                raise ScorerError(f"it gave {score.value:g} for {score.metric!r}, whose range is {where}")
    return scores
