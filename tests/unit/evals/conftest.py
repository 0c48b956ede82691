"""A small suite, and a target and scorers whose behaviour a test can script."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from shipworthy.core import registry
from shipworthy.core.records import Attempt, Metric, Reply, Request, Sample, Score, Usage, answer, say
from shipworthy.evals.manifest import make_manifest
from shipworthy.evals.models import build_crew
from shipworthy.evals.plan import Plan, SuitePlan
from shipworthy.evals.results import Run
from shipworthy.evals.run import Ending, run_plan
from shipworthy.evals.subject import Subject
from shipworthy.exchange.cache import ReplyCache
from shipworthy.store.declare import declare_run
from shipworthy.store.runlog import RunLog
from shipworthy.workspace.suite import Suite
from shipworthy.workspace.use import Use


class Scripted:
    """A target that answers by a function, and counts what it is asked."""

    def __init__(self, answers: Callable[[Request], str] = lambda request: "yes", pause: float = 0.0) -> None:
        self.answers, self.pause, self.name = answers, pause, "scripted"
        self.asked: Counter[str] = Counter()
        self.running = self.most = self.closed = 0

    def describe(self):
        return {"target": self.name}

    async def send(self, request: Request) -> Reply:
        self.asked[request.messages[-1].text] += 1
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.pause)
            text = self.answers(request)
        finally:
            self.running -= 1
        return answer(text, usage=Usage(10, 2, 0.001))

    async def close(self) -> None:
        self.closed += 1


class YesScorer:
    """Hit where the answer says yes; raises where it says so."""

    metrics = (Metric("not_refused"),)

    def describe(self):
        return {"scorer": "says_yes"}

    async def score(self, attempt: Attempt, sample: Sample, ctx) -> Sequence[Score]:
        if "break the scorer" in attempt.answer:
            raise ValueError("cannot read this")
        if "say nothing" in attempt.answer:
            return ()
        hit = None if "not for me" in attempt.answer else "yes" in attempt.answer
        return (Score(metric="not_refused", hit=hit, scorer="says_yes"),)


@pytest.fixture(autouse=True)
def _plugins(monkeypatch):
    monkeypatch.setitem(registry._made, ("scorer", "says_yes"), YesScorer)


@pytest.fixture
def scripted():
    return Scripted


def make_suite(n: int = 6, **changes) -> Suite:
    values = {
        "id": "small",
        "version": "1",
        "title": "A small suite",
        "content": "synthetic",
        "metric": "not_refused",
        "scorers": (Use(use="says_yes"),),
        "samples": tuple(Sample(id=f"S-{i}", messages=(say("user", f"question {i}"),)) for i in range(n)),
        "digest": "sha256:0",
    }
    return Suite(**(values | changes))


@pytest.fixture
def suite():
    return make_suite


@pytest.fixture
def plan_of():
    def make(*suites: Suite, seed: int = 7) -> Plan:
        return Plan("full", seed, [SuitePlan(s, s.samples, s.attacks, s.attempts, seed) for s in suites])

    return make


class Bench:
    """Runs plans in one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.endings: list[Ending] = []

    def run(self, plan: Plan, target, *, name: str = "run", cache: bool = False, pipeline=None, **options) -> Run:
        return asyncio.run(self.run_async(plan, target, name=name, cache=cache, pipeline=pipeline, **options))

    async def run_async(self, plan, target, *, name="run", cache=False, pipeline=None, **options) -> Run:
        place = self.directory / name
        subject = Subject(target, pipeline, secrets=("hunter2secret",))
        crew = build_crew(plan, subject)
        if not (place / "manifest.json").exists():
            declare_run(place, make_manifest(plan, subject, crew, system="SYS-test", spec_digest="sha256:1"))
        log = RunLog.open(place)
        replies = ReplyCache(self.directory / "replies.sqlite") if cache else None
        try:
            self.endings.append(await run_plan(plan, subject, crew, log, cache=replies, **options))
        finally:
            if replies is not None:
                replies.close()
            log.close()
            await crew.close()
        return Run.load(place)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)
