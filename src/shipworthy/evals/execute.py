"""Make one attempt: hold the attack's conversation with the target, score it, name its outcome.

Five outcomes, and only ``scored`` enters a rate: a target that failed, one that was too slow, one whose provider
refused to answer, and a scorer that could not judge are four different errors, and none of them is "safe".
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Protocol

import msgspec
from msgspec.structs import replace

from shipworthy.core.errors import LimitReached, TargetError, TargetFiltered, TargetTimeout, UsageError
from shipworthy.core.protocols import Attack, AttackContext, Conversation, Model, ScoreContext, Scorer
from shipworthy.core.records import Attempt, Document, GuardEvent, Message, Outcome, Reply, Request, Score
from shipworthy.evals.calls import Calls, Tally, being_cancelled
from shipworthy.evals.plan import PlanItem

if TYPE_CHECKING:
    from shipworthy.enforce.pipeline import Pipeline


_Messages = tuple[Message, ...]
_Documents = tuple[Document, ...]


class Judge(Protocol):
    """A scorer, and the model that was configured for it."""

    scorer: Scorer
    model: Model | None


class Attacker(Protocol):
    """An attack, and the model that was configured for it."""

    attack: Attack
    model: Model | None


class Executor:
    """Makes attempts; holds what they share.

    Args:
        calls: the way to the target.
        attackers: by name, as in `PlanItem.attack`.
        judges: by suite id.
        private: ids of the suites whose text must not be kept.
        pipeline: the guards between the attack and the target; None measures the bare target.
        scrub: takes credentials and evaluation text out of an error's message.
    """

    def __init__(
        self,
        calls: Calls,
        attackers: Mapping[str, Attacker],
        judges: Mapping[str, Sequence[Judge]],
        *,
        private: frozenset[str] = frozenset(),
        pipeline: Pipeline | None = None,
        scrub: Callable[[str], str] = str,
    ) -> None:
        self.calls, self.attackers, self.judges = calls, attackers, judges
        self.private, self.pipeline, self.scrub = private, pipeline, scrub
        self._score_contexts = {
            suite: [(judge.scorer, ScoreContext(judge.model)) for judge in some] for suite, some in judges.items()
        }

    async def attempt(self, item: PlanItem) -> Attempt:
        """Make one attempt.

        Raises:
            LimitReached: the budget ran out on the way; nothing is to be recorded.
            UsageError: the target, attack or scorer cannot work as configured; the run must stop.
        """
        started, clock = time.time(), time.perf_counter()
        line = _Line(self, keep=item.suite not in self.private)
        attacker = self.attackers[item.attack]
        outcome: Outcome = "scored"
        error = ""
        said: Conversation | None = None
        try:
            context = AttackContext(Random(item.seed), attacker.model)
            said = _checked(await attacker.attack.attempt(item.sample, line.ask, context))
        except (LimitReached, UsageError):
            raise
        except TargetTimeout as failure:
            outcome, error = "timeout", self._say(failure)
        except TargetFiltered as failure:
            outcome, error = "filtered", self._say(failure)
        except TargetError as failure:
            outcome, error = "target_error", self._say(failure)
        except (Exception, SystemExit, asyncio.CancelledError) as failure:
            if isinstance(failure, asyncio.CancelledError) and being_cancelled():
                raise
            # Not the target's fault, but no answer was obtained, so it is no score either.
            outcome = "target_error"
            error = f"the attack {item.attack} or a guard failed: {type(failure).__name__}: {self._say(failure)}"
        tally = line.tally
        if tally.limit is not None:
            raise tally.limit  # An attack that swallowed it has not done what it set out to do.
        attempt = Attempt(
            id=item.id,
            suite=item.suite,
            sample=item.sample.id,
            attack=item.attack,
            number=item.number,
            cluster=item.cluster,
            seed=item.seed,
            content_hash=item.content_hash,
            outcome=outcome,
            severity=item.sample.severity,
            messages=said.messages if said else line.said,
            documents=said.documents if said else line.seen,
            guard_events=tuple(line.events),
            usage=tally.usage,
            error=error,
            started=started,
            guard_seconds=line.guard_seconds,
            calls=tally.calls,
            cached_calls=tally.cached,
        )
        if outcome == "scored":
            outcome, scores, error = await self._score(attempt, item)
            attempt = replace(attempt, outcome=outcome, scores=scores, error=error)
        return replace(attempt, seconds=max(0.0, time.perf_counter() - clock - tally.queued))

    async def _score(self, attempt: Attempt, item: PlanItem) -> tuple[Outcome, tuple[Score, ...], str]:
        """Let every scorer of the suite speak. What some said is kept even if another fails: a leak is a leak."""
        scores: list[Score] = []
        errors: list[str] = []
        for scorer, context in self._score_contexts[item.suite]:
            name = type(scorer).__name__
            try:
                given = _scores(await scorer.score(attempt, item.sample, context))
            except UsageError:
                raise
            except (Exception, SystemExit, asyncio.CancelledError) as failure:
                if isinstance(failure, asyncio.CancelledError) and being_cancelled():
                    raise
                errors.append(f"{name}: {type(failure).__name__}: {self._say(failure)}")
                continue
            if not given:
                errors.append(f"{name} gave no score")
            for score in given:
                if any(score.metric == other.metric for other in scores):
                    # Two words on one metric would count an attempt twice, or let one of them overrule the other.
                    errors.append(f"{name} gave a second score for the metric {score.metric!r}")
                scores.append(score)
        return ("scorer_error" if errors else "scored"), tuple(scores), "; ".join(errors)

    def _say(self, failure: BaseException) -> str:
        return self.scrub(str(failure) or type(failure).__name__)


def _checked(said: object) -> Conversation:
    """Return an attack's conversation if it is one that can be kept and holds an answer; silence is not safe."""
    if not isinstance(said, Conversation):
        raise TypeError(f"it returned a {type(said).__name__}, not a Conversation")
    made = msgspec.convert(msgspec.to_builtins((said.messages, said.documents)), tuple[_Messages, _Documents])
    if not any(message.role == "assistant" for message in made[0]):
        raise ValueError("its conversation holds no answer")
    return Conversation(*made)


def _scores(given: Sequence[Score]) -> tuple[Score, ...]:
    """Return a scorer's scores if they are some: records are not checked when they are made."""
    return msgspec.convert(msgspec.to_builtins(tuple(given)), tuple[Score, ...])


class _Line:
    """What one attempt's attack talks into: the guards, and behind them the target."""

    __slots__ = ("_executor", "_keep", "events", "guard_seconds", "said", "seen", "tally")

    def __init__(self, executor: Executor, keep: bool) -> None:
        self._executor, self._keep = executor, keep
        self.tally = Tally()
        self.events: list[GuardEvent] = []
        self.guard_seconds = 0.0
        # What had been said when an attempt fails: the transcript of a failure is worth reading, too.
        self.said: tuple[Message, ...] = ()
        self.seen: tuple[Document, ...] = ()

    async def ask(self, request: Request) -> Reply:
        self.said = request.messages
        executor = self._executor
        if executor.pipeline is None:
            reply = await executor.calls.send(request, self.tally, keep=self._keep)
        else:
            guarded = await executor.pipeline.guarded(request, self._send)
            self.events.extend(guarded.events)
            self.guard_seconds += guarded.seconds
            reply = guarded.reply
        self.said = (*request.messages, reply.message)
        self.seen += reply.retrieved
        return reply

    async def _send(self, request: Request) -> Reply:
        return await self._executor.calls.send(request, self.tally, keep=self._keep)
