from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from shipworthy.core.errors import (
    AttackError,
    CredentialError,
    LimitReached,
    PolicyRefused,
    ScorerError,
    TargetError,
    TargetFiltered,
    TargetTimeout,
    UsageError,
)
from shipworthy.core.events import Asked, Chosen, Failed, PolicyEvent
from shipworthy.core.metric import Metric
from shipworthy.core.protocols import Rewrite, converse
from shipworthy.core.records import (
    Message,
    Reasoning,
    Reply,
    Sample,
    Score,
    Text,
    ToolCall,
    Usage,
    answer,
    say,
)
from shipworthy.core.registry import create
from shipworthy.evals.engine import Attacker, Engine, Judge
from shipworthy.evals.plan import PlanItem
from shipworthy.exchange.budget import Budget, Limits
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation

ITEM = PlanItem(
    id="AT-0123456789abcdef",
    suite="small",
    sample=Sample(id="S-1", messages=(say("user", "question"),), user="ana", severity="S2", cluster="C"),
    attack="it",
    number=3,
    seed=7,
    content_hash="sha256:1",
)


class Says:
    """A model that answers by a function, or raises what it is given."""

    def __init__(self, reply="yes", name="target"):
        self.reply, self.name, self.requests = reply, name, []

    def describe(self):
        return {"target": self.name}

    async def send(self, request):
        self.requests.append(request)
        given = self.reply(request) if callable(self.reply) else self.reply
        if isinstance(given, BaseException):
            raise given
        return answer(given, usage=Usage(10, 2, 0.5))

    async def close(self): ...


class Attack:
    """An attack that is one function."""

    def __init__(self, hold, queries=0):
        self.hold, self.queries = hold, queries

    def describe(self):
        return {"attack": "it"}

    async def attempt(self, sample, ask, ctx):
        return await self.hold(sample, ask, ctx)


class Scorer:
    """A scorer that is one function, of one metric."""

    def __init__(self, judge=None, metric=Metric("bad")):
        self.judge, self.metrics, self.calls = judge or self.hit, (metric,), 0

    def describe(self):
        return {"scorer": "it"}

    async def hit(self, attempt, ctx):
        return [Score(metric=self.metrics[0].name, hit="yes" in attempt.answer, scorer="it")]

    async def score(self, attempt, sample, ctx):
        self.calls += 1
        return await self.judge(attempt, ctx)


async def plain(sample, ask, ctx):
    return await converse(sample, ask)


def engine(target=None, hold=plain, *scorers, budget=None, attacker=None, judge=None, queries=0, **fields):
    def way(model):
        return None if model is None else Channel(model, budget=budget)

    attack = hold if hasattr(hold, "attempt") else Attack(hold, queries)
    judges = [
        Judge(scorer, () if judge is None else (Channel(judge, budget=budget),)) for scorer in scorers or (Scorer(),)
    ]
    return Engine(way(target or Says()), {"it": Attacker(attack, way(attacker))}, {"small": judges}, **fields)


def make(*args, **fields):
    return asyncio.run(engine(*args, **fields).attempt(ITEM))


def failed(attempt):
    return [(event.role, event.kind) for event in attempt.events if isinstance(event, Failed)]


# ---- outcomes --------------------------------------------------------------------------------------------------


def test_a_scored_attempt_says_what_it_was_made_from():
    target = Says()
    made = make(target)
    assert (made.outcome, made.error, made.answer) == ("scored", "", "yes")
    assert (made.id, made.suite, made.sample, made.attack, made.number) == (ITEM.id, "small", "S-1", "it", 3)
    assert (made.cluster, made.seed, made.severity, made.content_hash) == ("C", 7, "S2", "sha256:1")
    assert [(s.metric, s.hit) for s in made.scores] == [("bad", True)]
    assert (target.requests[0].user, target.requests[0].session) == ("ana", ITEM.id)
    assert 0 <= target.requests[0].seed < 2**31
    assert made.seconds > 0
    assert make(Says()).events == made.events  # the same attempt made again


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (TargetError("down"), "target_error"),
        (TargetTimeout("slow"), "timeout"),
        (TargetFiltered("filter"), "filtered"),
        (PolicyRefused("stop"), "refused"),
        (ZeroDivisionError("oops"), "target_error"),
        (SystemExit(3), "target_error"),
        (asyncio.CancelledError(), "target_error"),
    ],
)
def test_a_target_that_fails_is_named_by_how_it_failed(error, outcome):
    scorer = Scorer()
    made = make(Says(error), plain, scorer)
    assert (made.outcome, made.scores, scorer.calls) == (outcome, (), 0)
    assert made.error
    assert [role for role, _ in failed(made)] == ["target"]
    assert (made.target.calls, made.target.failures) == (1, 1)


@pytest.mark.parametrize(
    "error", [AttackError("no way"), ValueError("oops"), SystemExit(1), asyncio.CancelledError("x"), KeyError("k")]
)
@pytest.mark.parametrize("asks", [False, True])
def test_an_attack_that_fails_is_no_failure_of_the_target(error, asks):
    async def hold(sample, ask, ctx):
        if asks:
            await ask("q")
        raise error

    made = make(None, hold)
    assert (made.outcome, failed(made)) == ("attack_error", [("attack", type(error).__name__)])
    assert made.error.startswith("the attack it failed: ")
    assert made.target.failures == 0


@pytest.mark.parametrize("returned", ["yes", 5, answer("never given"), ()])
def test_an_attack_must_return_a_reply_of_the_target(returned):
    async def hold(sample, ask, ctx):
        await ask("q")
        return returned

    assert make(None, hold).outcome == "attack_error"


def test_an_attack_that_never_asks_is_no_safe_answer():
    async def hold(sample, ask, ctx):
        return None

    made = make(None, hold)
    assert (made.outcome, made.scores) == ("attack_error", ())
    assert "never asked" in made.error


def test_an_attack_that_wraps_or_outlives_a_failure_of_the_target():
    async def wraps(sample, ask, ctx):
        try:
            await ask("q")
        except TargetError as error:
            raise AttackError("gave up") from error

    async def outlives(sample, ask, ctx):
        first = await ask("good")
        with pytest.raises(TargetError):
            await ask("bad")
        return first

    def reply(request):
        return TargetError("down") if request.messages[-1].text == "bad" else "yes"

    assert make(Says(TargetError("down")), wraps).outcome == "attack_error"
    made = make(Says(reply), outlives)
    assert (made.outcome, made.answer, failed(made)) == ("scored", "yes", [("target", "TargetError")])
    assert [m.text for m in made.messages] == ["good", "yes"]


def test_the_conversation_an_attack_chooses_is_judged():
    async def hold(sample, ask, ctx):
        first = await ask("a")
        await ask("b")
        return first

    made = make(Says(lambda request: f"to {request.messages[-1].text}"), hold)
    assert made.answer == "to a"
    assert any(isinstance(event, Chosen) for event in made.events)


class Stop:
    def describe(self):
        return {"policy": "stop"}

    async def decide(self, call, request):
        return PolicyEvent(0, "", "stop", "PL-1")


class Agent(Says):
    async def send(self, request, tools):
        await tools.call(ToolCall("1", "f"), None)
        return answer("went on")


@pytest.mark.parametrize("swallow", [False, True])
def test_an_attempt_that_the_policy_stopped_is_refused_even_if_the_attack_swallows_it(swallow):
    async def hold(sample, ask, ctx):
        for text in ("a", "b"):
            try:
                await ask(text)
            except TargetError:
                if not swallow:
                    raise

    made = make(Agent(), hold, mediation=Mediation(policy=Stop()))
    assert (made.outcome, failed(made)) == ("refused", [("policy", "PolicyRefused")])


def test_an_attack_cannot_go_on_with_an_earlier_answer_after_a_stop():
    class SecondTime(Stop):
        async def decide(self, call, request):
            return PolicyEvent(0, "", "stop" if request.turn > 1 else "allow", "PL-1")

    async def hold(sample, ask, ctx):
        first = await ask("a")
        with pytest.raises(PolicyRefused):
            await ask("b")
        return first

    made = make(Agent(), hold, mediation=Mediation(policy=SecondTime()))
    assert (made.outcome, made.scores) == ("refused", ())
    assert "PL-1" in made.error


def test_errors_are_said_without_credentials():
    made = make(Says(TargetError("key hunter2")), mediation=Mediation(scrub=lambda t: t.replace("hunter2", "***")))
    assert "hunter2" not in repr(made)
    assert "***" in made.error


def test_an_attempt_of_a_private_suite_leaves_no_fingerprint():
    made = make(None, private=frozenset({"small"}))
    assert [event.request for event in made.events if isinstance(event, Asked)] == [""]


# ---- scorers ---------------------------------------------------------------------------------------------------


def scored(*scores, metric=Metric("bad")):
    async def judge(attempt, ctx):
        return scores

    return Scorer(judge, metric)


VALUE = Metric("grade", kind="value", low=0.0, high=10.0, good="high")


@pytest.mark.parametrize(
    ("scorer", "said"),
    [
        (scored(Score(metric="other", hit=True, scorer="it")), "does not declare"),
        (scored(Score(metric="bad", value=0.5, scorer="it")), "counts events"),
        (scored(Score(metric="grade", hit=True, scorer="it"), metric=VALUE), "is a value"),
        (scored(Score(metric="grade", value=10.5, scorer="it"), metric=VALUE), "range is"),
        (scored(Score(metric="grade", value=-0.1, scorer="it"), metric=VALUE), "range is"),
        (scored(Score(metric="grade", value=float("nan"), scorer="it"), metric=VALUE), "range is"),
        (scored(Score(metric="grade", value=float("inf"), scorer="it"), metric=VALUE), "range is"),
        (scored(Score(metric="bad", hit="yes", scorer="it")), "ValidationError"),
        (scored("yes"), "ValidationError"),
        (scored(), "gave no score"),
        (scored(*[Score(metric="bad", hit=True, scorer="it")] * 2), "second score"),
    ],
)
def test_a_score_must_be_of_a_declared_metric_and_in_its_range(scorer, said):
    made = make(None, plain, scorer)
    assert made.outcome == "scorer_error"
    assert said in made.error


@pytest.mark.parametrize("value", [0.0, 0.73, 10.0, None])
def test_a_value_within_its_range_is_a_score(value):
    made = make(None, plain, scored(Score(metric="grade", value=value, scorer="it"), metric=VALUE))
    assert (made.outcome, made.scores[0].value) == ("scored", value)


@pytest.mark.parametrize(
    "error", [ScorerError("unsure"), ValueError("oops"), SystemExit(1), asyncio.CancelledError("x"), TypeError("t")]
)
def test_what_one_scorer_said_is_kept_where_another_fails(error):
    async def fail(attempt, ctx):
        raise error

    made = make(None, plain, Scorer(), Scorer(fail, Metric("other")))
    assert (made.outcome, [(s.metric, s.hit) for s in made.scores]) == ("scorer_error", [("bad", True)])
    assert failed(made) == [("scorer", type(error).__name__)]


def test_two_scorers_cannot_both_speak_on_one_metric():
    made = make(None, plain, Scorer(), Scorer())
    assert made.outcome == "scorer_error"
    assert "second score" in made.error


def test_a_scorer_sees_the_answer_as_the_user_did_and_no_outcome_but_scored():
    seen = []

    async def look(attempt, ctx):
        seen.append(attempt)
        return [Score(metric="bad", hit=False, scorer="it")]

    make(None, plain, Scorer(look))
    assert (seen[0].answer, seen[0].outcome, seen[0].scores) == ("yes", "scored", ())


# ---- roles -----------------------------------------------------------------------------------------------------


async def with_attacker(sample, ask, ctx):
    plan = await ctx.model("how?")
    return await ask(plan.text)


async def with_judge(attempt, ctx):
    word = await ctx.model("is it bad?")
    return [Score(metric="bad", hit="bad" in word.text, scorer="it")]


def test_what_attacker_and_judge_took_is_counted_apart():
    budget = Budget()
    made = make(
        None, with_attacker, Scorer(with_judge), attacker=Says("trick", "a"), judge=Says("bad", "j"), budget=budget
    )
    assert (made.outcome, made.scores[0].hit) == ("scored", True)
    assert [m.text for m in made.messages] == ["trick", "yes"]
    expected = {role: (1, 0, Usage(10, 2, 0.5)) for role in ("attacker", "target", "judge")}
    assert {role: (u.calls, u.failures, u.usage) for role, u in made.roles.items()} == expected
    assert {role: use.calls for role, use in budget.roles.items()} == {"attacker": 1, "target": 1, "judge": 1}


@pytest.mark.parametrize("error", [TargetError("down"), TargetTimeout("slow"), TargetFiltered("filter")])
def test_an_attackers_outage_is_the_attacks(error):
    made = make(None, with_attacker, attacker=Says(error, "a"))
    assert made.outcome == "attack_error"
    assert ("attacker", type(error).__name__) in failed(made)
    assert (made.roles["attacker"].failures, made.target.failures) == (1, 0)


@pytest.mark.parametrize("error", [TargetError("down"), TargetTimeout("slow"), TargetFiltered("filter")])
def test_a_judges_outage_is_the_scorers(error):
    made = make(None, plain, Scorer(with_judge), judge=Says(error, "j"))
    assert made.outcome == "scorer_error"
    assert failed(made) == [("judge", type(error).__name__), ("scorer", "ScorerError")]
    assert made.target.failures == 0


def test_without_a_model_there_is_none_to_ask():
    async def hold(sample, ask, ctx):
        assert ctx.model is None
        assert ctx.score is None
        return await ask("q")

    assert make(None, hold).outcome == "scored"


# ---- limits ----------------------------------------------------------------------------------------------------


async def swallows(sample, ask, ctx):
    reply = await ask("a")
    try:
        await ask("b")
    except Exception:
        return reply
    return reply


async def wraps(sample, ask, ctx):
    try:
        await ask("a")
        await ask("b")
    except Exception as error:
        raise AttackError("no way") from error


async def judge_swallows(attempt, ctx):
    try:
        await ctx.model("is it?")
    except Exception:
        return [Score(metric="bad", hit=False, scorer="it")]
    raise AssertionError("the budget was to be used up")


async def judge_wraps(attempt, ctx):
    try:
        await ctx.model("is it?")
    except Exception as error:
        raise ScorerError("unsure") from error


async def oracle_swallows(sample, ask, ctx):
    reply = await ask("a")
    try:
        await ctx.score()
    except Exception:
        return reply


@pytest.mark.parametrize("hold", [swallows, wraps])
def test_a_limit_reached_in_an_attack_ends_no_attempt_but_the_run(hold):
    with pytest.raises(LimitReached):
        make(None, hold, budget=Budget(Limits(requests=1)))


@pytest.mark.parametrize("judge", [with_judge, judge_swallows, judge_wraps])
def test_a_limit_reached_in_a_scorer_ends_no_attempt_but_the_run(judge):
    with pytest.raises(LimitReached):
        make(None, plain, Scorer(judge), judge=Says("x", "j"), budget=Budget(Limits(requests=1)))


def test_a_limit_reached_in_an_oracle_ends_no_attempt_but_the_run():
    with pytest.raises(LimitReached):
        make(
            None,
            oracle_swallows,
            Scorer(with_judge),
            judge=Says("x", "j"),
            budget=Budget(Limits(requests=1)),
            queries=1,
        )


def test_a_limit_reached_in_an_attackers_model_ends_no_attempt_but_the_run():
    budget = Budget(Limits(requests=0))
    target = Says()
    with pytest.raises(LimitReached):
        make(target, with_attacker, attacker=Says("x", "a"), budget=budget)
    assert target.requests == []


def test_a_limit_reached_in_a_guard_ends_no_attempt_but_the_run():
    from shipworthy.enforce.pipeline import Pipeline
    from shipworthy.enforce.rule import Rule

    class Spent:
        reach, stages = 0, frozenset({"input"})

        def describe(self):
            return {"guard": "spent"}

        async def check(self, part, ctx):
            raise LimitReached("spent")

    async def hold(sample, ask, ctx):
        try:
            await ask("a")
        except Exception:
            return

    with pytest.raises(LimitReached):
        make(None, hold, mediation=Mediation(Pipeline([Rule("GD-1", Spent())])))


@pytest.mark.parametrize("who", ["target", "attack", "scorer"])
def test_what_cannot_work_as_configured_stops_the_run(who):
    error = CredentialError("no key")

    async def hold(sample, ask, ctx):
        raise error

    async def judge(attempt, ctx):
        raise error

    with pytest.raises(UsageError, match="no key"):
        if who == "target":
            make(Says(error))
        elif who == "attack":
            make(None, hold)
        else:
            make(None, plain, Scorer(judge))


def test_cancelling_the_run_is_no_outcome():
    async def slow(sample, ask, ctx):
        await asyncio.sleep(60)

    async def main():
        task = asyncio.create_task(engine(None, slow).attempt(ITEM))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())


# ---- the oracle ------------------------------------------------------------------------------------------------


def search(turns):
    async def hold(sample, ask, ctx):
        best = None
        for turn in range(turns):
            reply = await ask(f"try {turn}")
            (score,) = await ctx.score()
            best = reply if score.hit else best
        return best

    return hold


def test_an_attack_may_ask_the_scorers_as_often_as_it_declares():
    scorer = Scorer()
    made = make(Says(lambda r: "yes" if "1" in r.messages[-1].text else "no"), search(3), scorer, queries=3)
    assert (made.outcome, made.answer, scorer.calls) == ("scored", "yes", 4)
    assert [s.hit for s in made.scores] == [True]


def test_an_attack_that_asks_more_often_has_failed():
    made = make(None, search(3), queries=2)
    assert made.outcome == "attack_error"
    assert "2 queries" in made.error


def test_an_attack_must_have_an_answer_before_it_asks_the_scorers():
    async def hold(sample, ask, ctx):
        return await ctx.score()

    scorer = Scorer()
    made = make(None, hold, scorer, queries=1)
    assert (made.outcome, scorer.calls) == ("attack_error", 0)


def test_a_judge_that_fails_as_an_oracle_is_the_scorers_failure():
    made = make(None, search(1), Scorer(with_judge), judge=Says(TargetError("down"), "j"), queries=1)
    assert made.outcome == "scorer_error"
    assert failed(made) == [("judge", "TargetError"), ("scorer", "ScorerError")]


def test_what_the_oracle_took_is_the_judges():
    made = make(None, search(2), Scorer(with_judge), judge=Says("bad", "j"), queries=2)
    assert (made.roles["judge"].calls, made.target.calls) == (3, 2)


def test_a_rewrite_is_an_attack_too():
    changed = Rewrite("it", lambda sample, rng: Sample(id="x", messages=(say("user", "changed"),)))
    made = make(None, changed)
    assert [m.text for m in made.messages] == ["changed", "yes"]


def test_a_clock_that_is_set_back_meanwhile_moves_no_time(monkeypatch):
    clock = [1_800_000_000.0]
    monkeypatch.setattr("shipworthy.evals.engine.time.time", lambda: clock[0])
    made = engine()

    async def three():
        for at in (1_800_000_000.0, 1_000_000_000.0, 1_900_000_000.0):
            clock[0] = at
            yield await made.attempt(ITEM)

    async def times():
        return [attempt.timing.started async for attempt in three()]

    found = asyncio.run(times())
    assert found == sorted(found)
    assert all(abs(at - 1_800_000_000) < 60 for at in found)


@pytest.mark.parametrize(("shows", "hit"), [(None, False), (True, True), (False, False)])
@pytest.mark.parametrize("with_judge", [False, True])
def test_scorers_are_told_whether_reasoning_is_seen(shows, hit, with_judge):
    thought = Message("assistant", (Reasoning("the code is HERON-4471"), Text("No.")))

    class Thinks(Says):
        async def send(self, request):
            return Reply(messages=(thought,))

    sample = Sample(id="S-1", messages=(say("user", "the code?"),), secrets=("HERON-4471",))
    judge = Judge(create("scorer", "canary_leak"), (Channel(Says(name="judge")),) if with_judge else ())
    engine = Engine(
        Channel(Thinks()), {"it": Attacker(Attack(plain))}, {"small": [judge]}, shows_reasoning=shows
    )  # fmt: skip
    made = asyncio.run(engine.attempt(replace(ITEM, sample=sample)))
    assert (made.outcome, made.scores[0].hit) == ("scored", hit)
