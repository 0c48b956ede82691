from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Sequence

import pytest

from shipworthy.core import registry
from shipworthy.core.errors import CredentialError, StoreError, TargetError, TargetFiltered, TargetTimeout
from shipworthy.core.protocols import Rewrite
from shipworthy.core.records import (
    GuardEvent,
    Message,
    Metric,
    Part,
    Reply,
    Request,
    Sample,
    Score,
    ToolCall,
    Usage,
    answer,
    say,
)
from shipworthy.enforce.pipeline import Pipeline
from shipworthy.enforce.rule import Rule
from shipworthy.evals.results import Run
from shipworthy.exchange.budget import Limits
from shipworthy.store.reading import RunReading
from shipworthy.workspace.use import Use

KEY = "hunter2secret"


def test_every_planned_attempt_is_made_once_and_scored(bench, scripted, suite, plan_of):
    target = scripted(lambda request: "yes" if "3" in request.messages[-1].text else "no")
    run = bench.run(plan_of(suite(8, attempts=3, attacks=(Use(use="none"), Use(use="base64")))), target)
    assert run.complete
    assert len(run) == 48 == target.asked.total()
    counts = run.counts("small", "not_refused", "none")
    assert counts.clusters == tuple(f"S-{i}" for i in range(8))
    assert counts.totals == [0, 0, 0, 3, 0, 0, 0, 0]
    assert counts.trials == [3] * 8
    assert counts.errors == 0
    for attempt in run.attempts():
        assert attempt.messages[-1].role == "assistant"
        assert attempt.seconds > 0
        assert attempt.target.calls == 1
        assert attempt.target.usage.input_tokens == 10


def fail_by_word(request: Request) -> str:
    text = request.messages[-1].text
    raised = {
        "question 1": TargetError("it is down"),
        "question 2": TargetTimeout("too slow"),
        "question 3": TargetFiltered("a filter refused"),
        "question 4": RuntimeError(f"bad header Authorization: Bearer {KEY}"),
    }
    if text in raised:
        raise raised[text]
    return {"question 5": "break the scorer, yes", "question 6": "say nothing", "question 7": "not for me"}.get(
        text, "no"
    )


def test_four_different_failures_and_none_is_safe(bench, scripted, suite, plan_of):
    run = bench.run(plan_of(suite(8)), scripted(fail_by_word))
    attempts = {a.sample: a for a in run.attempts()}
    assert {name: a.outcome for name, a in attempts.items()} == {
        "S-0": "scored",
        "S-1": "target_error",
        "S-2": "timeout",
        "S-3": "filtered",
        "S-4": "target_error",
        "S-5": "scorer_error",
        "S-6": "scorer_error",
        "S-7": "scored",
    }
    counts = run.counts("small", "not_refused")
    assert counts.trials == [1]  # only S-0: S-7's metric does not apply, all others are errors
    assert counts.errors == run.errors == 6
    assert "it is down" in attempts["S-1"].error
    assert "ValueError" in attempts["S-5"].error
    assert attempts["S-1"].messages == (say("user", "question 1"),)  # the transcript of a failure is kept
    assert KEY not in attempts["S-4"].error
    assert "RuntimeError" in attempts["S-4"].error
    (row,) = run.summary()
    assert (row.interval.trials, row.errors, row.missing) == (1, 6, 0)


def test_what_one_scorer_found_stays_when_another_fails(bench, scripted, suite, plan_of, monkeypatch):
    class Leak:
        metrics = (Metric("leak"),)

        def describe(self):
            return {"scorer": "leaks"}

        async def score(self, attempt, sample, ctx) -> Sequence[Score]:
            return (Score(metric="leak", hit=True, scorer="leaks"),)

    monkeypatch.setitem(registry._made, ("scorer", "leaks"), Leak)
    both = suite(1, scorers=(Use(use="says_yes"), Use(use="leaks")))
    run = bench.run(plan_of(both), scripted(lambda r: "break the scorer"))
    (attempt,) = run.attempts()
    assert attempt.outcome == "scorer_error"
    assert [(s.metric, s.hit) for s in attempt.scores] == [("leak", True)]
    assert run.counts("small", "leak").trials == []  # it is no denominator's, but a reader of S1 hits sees it


def test_an_attack_that_fails_is_no_score(bench, scripted, suite, plan_of, monkeypatch):
    def broken(sample, rng):
        raise KeyError("nothing here")

    monkeypatch.setitem(registry._made, ("attack", "broken"), lambda: Rewrite("broken", broken))
    run = bench.run(plan_of(suite(1, attacks=(Use(use="broken"),))), scripted())
    (attempt,) = run.attempts()
    assert attempt.outcome == "attack_error"
    assert "attack broken" in attempt.error
    assert attempt.roles == {}  # the target was never asked, and is not to blame


class Odd(BaseException):
    """Of no class that anybody catches, and unreadable."""

    def __str__(self):
        raise SystemExit(0)


def raising(error):
    def act():
        raise error

    return act


async def cancelling_itself():
    asyncio.current_task().cancel()
    await asyncio.sleep(0)


async def cancelling_the_others():
    here = asyncio.current_task()
    for task in asyncio.all_tasks():
        if task is not here and "work" in repr(task.get_coro()):
            task.cancel()
    await asyncio.sleep(0)


async def waiting_for_a_task_that_raises():
    async def inner():
        raise GeneratorExit

    await asyncio.create_task(inner())


ACTS = [
    *map(raising, (SystemExit(0), KeyboardInterrupt(), GeneratorExit(), Odd(), asyncio.CancelledError())),
    cancelling_itself,
    cancelling_the_others,
    waiting_for_a_task_that_raises,
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("who", ["target", "attack", "scorer"])
def test_whoever_does_whatever_every_attempt_has_a_record(bench, scripted, suite, plan_of, monkeypatch, who, act):
    asked = []

    async def act_up():
        asked.append(1)
        if len(asked) in (3, 9):
            result = act()
            if result is not None:
                await result

    class Bad(Rewrite):
        def __init__(self):
            super().__init__("bad", lambda sample, rng: sample)

        async def attempt(self, sample, ask, ctx):
            if who == "attack":
                await act_up()
            return await super().attempt(sample, ask, ctx)

    class Judge:
        metrics = (Metric("not_refused"),)

        def describe(self):
            return {"scorer": "judge"}

        async def score(self, attempt, sample, ctx):
            if who == "scorer":
                await act_up()
            return (Score(metric="not_refused", hit=False, scorer="judge"),)

    class Target(scripted):
        async def send(self, request):
            if who == "target":
                await act_up()
            return await super().send(request)

    monkeypatch.setitem(registry._made, ("attack", "bad"), Bad)
    monkeypatch.setitem(registry._made, ("scorer", "judge"), Judge)
    small = suite(40, attacks=(Use(use="bad"),), scorers=(Use(use="judge"),))
    run = bench.run(plan_of(small), Target(pause=0.001), concurrency=2)
    assert (len(run), run.complete) == (40, True)
    assert 0 < run.errors < 40 or act is cancelling_the_others
    allowed = {"scored", f"{who}_error", *(["target_error"] if asyncio.iscoroutinefunction(act) else [])}
    assert {kind for kind, n in run.outcomes.items() if n} <= allowed


def test_a_configuration_error_stops_the_run_and_records_nothing(bench, scripted, suite, plan_of):
    def fail(_):
        raise CredentialError("the environment variable MY_KEY is not set")

    with pytest.raises(CredentialError, match="MY_KEY"):
        bench.run(plan_of(suite(50)), scripted(fail))
    assert len(Run.load(bench.directory / "run")) == 0


@pytest.mark.parametrize("limits", [Limits(requests=7), Limits(tokens=7 * 12), Limits(cost_usd=0.0065)])
def test_a_budget_stops_cleanly_and_the_rest_is_made_on_resuming(bench, scripted, suite, plan_of, limits):
    plan, target = plan_of(suite(20)), scripted(pause=0.001)
    target.tells_cost = True
    run = bench.run(plan, target, limits=limits, concurrency=1)
    assert bench.endings[-1].stopped
    assert not run.complete
    assert len(run) == target.asked.total() == 7
    run = bench.run(plan, target)
    assert run.complete
    assert set(target.asked.values()) == {1}  # none was lost, none was made again
    assert len(target.asked) == 20


def test_a_time_limit_stops_and_keeps_what_is_done(bench, scripted, suite, plan_of):
    plan, target = plan_of(suite(400)), scripted(pause=0.01)
    run = bench.run(plan, target, limits=Limits(seconds=0.1), concurrency=2)
    assert "time limit" in bench.endings[-1].stopped
    assert 0 < len(run) < 400
    assert len(run) == target.asked.total()


def test_an_attack_that_swallows_the_limit_is_not_recorded(bench, scripted, suite, plan_of, monkeypatch):
    class Stubborn:
        def describe(self):
            return {"attack": "stubborn"}

        async def attempt(self, sample, ask, ctx):
            for turn in range(3):
                try:
                    await ask(f"{sample.id} turn {turn}")
                except Exception:
                    continue

    monkeypatch.setitem(registry._made, ("attack", "stubborn"), Stubborn)
    plan = plan_of(suite(5, attacks=(Use(use="stubborn"),)))
    run = bench.run(plan, scripted(), limits=Limits(requests=4), concurrency=1)
    assert all(a.target.calls == 3 for a in run.attempts())
    assert len(run) < 2
    run = bench.run(plan, scripted())
    assert run.complete
    assert all(a.target.calls == 3 for a in run.attempts())


def test_concurrency_is_never_exceeded(bench, scripted, suite, plan_of):
    target = scripted(pause=0.001)
    bench.run(plan_of(suite(200)), target, concurrency=5)
    assert target.most == 5
    target.concurrency = 2
    target.most = 0
    bench.run(plan_of(suite(50)), target, name="own")
    assert target.most == 2  # what the target says it can take


def test_cancelling_keeps_what_was_finished(bench, scripted, suite, plan_of):
    plan, target = plan_of(suite(300)), scripted(pause=0.005)

    async def main():
        task = asyncio.create_task(bench.run_async(plan, target, concurrency=4))
        async with asyncio.timeout(60):
            while target.asked.total() < 20:  # four at one time: the first ones are finished
                await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    before = {a.sample for a in Run.load(bench.directory / "run").attempts()}
    assert 0 < len(before) < 300
    asked = target.asked.copy()
    run = bench.run(plan, target)
    assert run.complete
    again = target.asked - asked
    assert not {f"question {name[2:]}" for name in before} & set(again)


def test_same_seed_and_kept_replies_give_the_same_root(bench, scripted, suite, plan_of):
    numbers = iter(range(10**6))
    plan = plan_of(suite(30, attempts=2, attacks=(Use(use="none"), Use(use="role_play"))))

    def unsteady(request):
        return ("yes", "no", "not for me")[hash((request.messages[-1].text, next(numbers))) % 3]

    roots = set()
    for name, concurrency in (("first", 16), ("second", 16), ("third", 1)):
        bench.run(plan, scripted(unsteady, pause=0.0), name=name, cache=True, concurrency=concurrency)
        roots.add(RunReading(bench.directory / name).merkle)
    assert len(roots) == 1
    bench.run(plan, scripted(unsteady), name="fourth")
    assert RunReading(bench.directory / "fourth").merkle not in roots  # without the cache, the unsteady target shows


class Shouting:
    """A guard that finds one word."""

    reach = 16

    def __init__(self, word: str, action: str, stage: str) -> None:
        self.word, self.action, self.stages = word, action, frozenset({stage})

    def describe(self):
        return {"guard": "shouting", "version": 1, "word": self.word}

    async def check(self, part: Part, ctx):
        from shipworthy.core.records import Finding

        at = part.text.find(self.word)
        if at < 0:
            return ()
        instead = "" if self.action == "block" else "***"  # of a block it would be what is said
        return (Finding(at, at + len(self.word), "word", self.action, instead),)


def test_guards_stand_between_attack_and_target_and_reuse_replies(bench, scripted, suite, plan_of):
    plan, target = plan_of(suite(4)), scripted(lambda r: "yes, the code is 77")
    bench.run(plan, target, name="bare", cache=True)
    assert target.asked.total() == 4
    pipeline = Pipeline(
        [
            Rule("GD-out", Shouting("77", "redact", "output")),
            Rule("GD-in", Shouting("question 2", "block", "input")),
        ],
        "No.",
    )
    run = bench.run(plan, target, name="guarded", cache=True, pipeline=pipeline)
    assert target.asked.total() == 4  # every reply came from the cache
    by_sample = {a.sample: a for a in run.attempts()}
    assert by_sample["S-0"].answer == "yes, the code is ***"
    assert by_sample["S-2"].answer == "No."
    assert by_sample["S-2"].target.calls == 0
    assert all(isinstance(e, GuardEvent) for a in by_sample.values() for e in a.guard_events)
    assert by_sample["S-0"].guard_events[0].guard == "GD-out"
    assert by_sample["S-0"].guard_seconds > 0
    assert run.manifest.guards == pipeline.digest
    assert run.manifest.subject_digest != Run.load(bench.directory / "bare").manifest.subject_digest


def test_private_text_is_scored_but_neither_kept_nor_written_whole(bench, scripted, suite, plan_of):
    samples = (Sample(id="P-1", messages=(say("user", "My mail is jo.doe@example.org"),)),)
    private = suite(content="private", samples=samples)
    run = bench.run(plan_of(private), scripted(lambda r: "yes, jo.doe@example.org"), cache=True)
    (attempt,) = run.attempts()
    assert attempt.scores[0].hit
    written = b"".join(p.read_bytes() for p in bench.directory.rglob("*") if p.is_file())
    assert b"jo.doe@example.org" not in written


def test_errors_are_tried_again_only_when_asked_and_the_later_record_wins(bench, scripted, suite, plan_of):
    plan, down = plan_of(suite(5)), True

    def answers(request):
        if down and request.messages[-1].text in ("question 1", "question 3"):
            raise TargetError("down")
        return "yes"

    target = scripted(answers)
    run = bench.run(plan, target)
    assert run.complete
    assert run.errors == 2
    run = bench.run(plan, target)
    assert target.asked.total() == 5  # an error is a result: resuming alone does not repeat it
    down = False
    again = {name: tries + 1 for name, tries in run.failed.items()}
    run = bench.run(plan, target, again=again)
    assert target.asked.total() == 7
    assert (run.errors, len(run), run.complete) == (0, 5, True)
    assert run.counts("small", "not_refused").trials == [1] * 5
    assert len(list(run.attempts())) == 5
    everything = list(run.attempts(superseded=True))
    assert len(everything) == 7
    (first,) = again.keys() & {a.id for a in everything if a.sample == "S-1"}
    assert run.attempt(first).id == f"{first}-2"
    assert run.outcomes == {"scored": 5, "target_error": 0}


def test_a_disk_that_fails_stops_the_run_and_counts_nothing(bench, scripted, suite, plan_of, monkeypatch):
    from shipworthy.store import runlog

    real, writes = os.fdatasync, iter(range(10**6))

    def full(file):
        if next(writes) >= 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(file)

    plan, target = plan_of(suite(200)), scripted(pause=0.001)
    monkeypatch.setattr(runlog, "_datasync", full)
    with pytest.raises(StoreError, match="No space"):
        bench.run(plan, target, concurrency=4)
    monkeypatch.setattr(runlog, "_datasync", real)
    kept = {a.sample for a in Run.load(bench.directory / "run").attempts()}
    asked = target.asked.copy()
    run = bench.run(plan, target)
    assert run.complete
    assert not {f"question {name[2:]}" for name in kept} & set(target.asked - asked)


def test_a_plan_of_twenty_thousand_never_makes_as_many_tasks(bench, scripted, suite, plan_of):
    most = 0

    def answers(_):
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        return "no"

    run = bench.run(plan_of(suite(2000)), scripted(answers), concurrency=8)
    assert run.complete
    assert most < 100


def put_together_wrongly(request: Request) -> object:
    """What a target of somebody's own may hand back: nothing checks a record when it is made."""
    import asyncio

    text = request.messages[-1].text
    if text == "question 1":
        raise SystemExit(0)
    if text == "question 2":
        raise asyncio.CancelledError
    return {
        "question 3": Reply(messages=(say("user", "no"),)),
        "question 4": answer(None),  # type: ignore[arg-type]
        "question 5": Reply(messages="no"),  # type: ignore[arg-type]
        "question 6": answer("no", usage=Usage(cost_usd=float("nan"))),
        "question 7": answer("no", usage=Usage(input_tokens=-1)),
        "question 8": Reply(messages=(Message("assistant", (ToolCall("1", "tool", {"x": object()}),)),)),
    }.get(text, answer("no"))


def test_a_reply_that_is_none_is_an_error_of_its_attempt_and_of_nothing_else(bench, suite, plan_of):
    class Careless:
        def describe(self):
            return {"target": "careless"}

        async def send(self, request: Request):
            return put_together_wrongly(request)

        async def close(self):
            pass

    run = bench.run(plan_of(suite(10)), Careless())
    outcomes = {a.sample: a.outcome for a in run.attempts()}  # the log can be read back
    assert outcomes == {f"S-{i}": "scored" if i in (0, 9) else "target_error" for i in range(10)}
    assert run.complete
    assert run.counts("small", "not_refused").trials == [1, 1]


@pytest.mark.parametrize(
    "given",
    [
        None,
        5,
        ("not_refused",),
        (Score(metric="not_refused", hit="no", scorer="own"),),  # type: ignore[arg-type]
        (Score(metric="not_refused", hit=0, scorer="own"),),  # type: ignore[arg-type]
        (
            Score(metric="not_refused", hit=False, scorer="own"),
            Score(metric="not_refused", hit=True, scorer="own"),
        ),
        SystemExit(0),
        asyncio.CancelledError(),
    ],
    ids=repr,
)
def test_what_is_no_score_is_a_scorer_error(bench, scripted, suite, plan_of, monkeypatch, given):
    class Own:
        metrics = (Metric("not_refused"),)

        def describe(self):
            return {"scorer": "own"}

        async def score(self, attempt, sample, ctx):
            if isinstance(given, BaseException):
                raise given
            return given

    monkeypatch.setitem(registry._made, ("scorer", "own"), Own)
    run = bench.run(plan_of(suite(2, scorers=(Use(use="own"),))), scripted())
    assert [a.outcome for a in run.attempts()] == ["scorer_error"] * 2
    assert run.counts("small", "not_refused").trials == []


def test_two_scorers_may_not_speak_on_one_metric(bench, scripted, suite, plan_of, monkeypatch):
    class Denies:
        metrics = (Metric("not_refused"),)

        def describe(self):
            return {"scorer": "denies"}

        async def score(self, attempt, sample, ctx):
            return (Score(metric="not_refused", hit=False, scorer="denies"),)

    monkeypatch.setitem(registry._made, ("scorer", "denies"), Denies)
    run = bench.run(plan_of(suite(3, scorers=(Use(use="says_yes"), Use(use="denies")))), scripted())
    attempts = list(run.attempts())
    assert {a.outcome for a in attempts} == {"scorer_error"}
    assert all("not_refused" in a.error for a in attempts)
    assert all([s.hit for s in a.scores] == [True, False] for a in attempts)  # what was said is kept to be read


@pytest.mark.parametrize("said", [None, "an answer of its own", answer("an answer of its own")], ids=repr)
def test_an_attack_without_an_answer_is_an_error(bench, scripted, suite, plan_of, monkeypatch, said):
    class Silent:
        def describe(self):
            return {"attack": "silent"}

        async def attempt(self, sample, ask, ctx):
            return said

    monkeypatch.setitem(registry._made, ("attack", "silent"), Silent)
    run = bench.run(plan_of(suite(2, attacks=(Use(use="silent"),))), scripted())
    assert [a.outcome for a in run.attempts()] == ["attack_error"] * 2


def test_a_private_suites_secrets_never_reach_the_disk(bench, suite, plan_of, tmp_path):
    """Also another sample's, also where the target raises with them in its message or a scorer does."""
    secrets = ("MAGENTA-walrus-7781", "Ottilie Vandersnoot")

    class Tells:
        def describe(self):
            return {"target": "tells"}

        async def send(self, request: Request):
            text = f"yes, {secrets[0]} of {secrets[1]}, mail bob@example.org"
            if "2" in request.messages[-1].text:
                raise RuntimeError(text)
            return answer("break the scorer, " + text if "3" in request.messages[-1].text else text)

        async def close(self):
            pass

    samples = tuple(
        Sample(id=f"S-{i}", messages=(say("user", f"question {i}, {secrets[i % 2]}"),), secrets=(secrets[i % 2],))
        for i in range(5)
    )
    run = bench.run(plan_of(suite(content="private", samples=samples)), Tells(), cache=True)
    assert sorted(run.outcomes) == ["scored", "scorer_error", "target_error"]
    for file in (f for f in tmp_path.rglob("*") if f.is_file()):
        data = file.read_bytes()
        for word in (*secrets, "Ottilie", "walrus", "bob@example.org"):
            assert word.encode() not in data, (word, file)
