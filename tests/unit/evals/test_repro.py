"""A recorded attempt is made again from its record: a target in a file of its own writes down what it was asked."""

from __future__ import annotations

import asyncio
import json

import pytest

from shipworthy.core.errors import UsageError
from shipworthy.core.records import Attempt, Said, say
from shipworthy.evals.begin import begin, complete
from shipworthy.evals.replay import ReplayAttack
from shipworthy.evals.repro import reproduce
from shipworthy.evals.results import Run
from shipworthy.store.layout import Layout

TARGET = """
import json, pathlib
from shipworthy.core.records import Request
asked = pathlib.Path(__file__).with_name("asked.jsonl")
def answer(request: Request) -> str:
    with asked.open("a") as file:
        file.write(json.dumps([m.text for m in request.messages if m.role == "user"]) + "\\n")
    return "fine"
"""

ADAPTIVE = """
import random
from shipworthy.core.records import say
from shipworthy.core.registry import attack


@attack
class Coin:
    '''Say what no seed decides, twice; a way that is given up lies before it.'''

    def describe(self):
        return {"attack": "coin"}

    async def attempt(self, sample, ask, ctx):
        await ask("a way that was given up")
        said = [say("user", f"first {random.random()}")]
        reply = await ask(said)
        return await ask([*said, *reply.messages, say("user", f"second {random.random()}")])
"""

SCORER = """
from shipworthy.core.records import Metric, Score
from shipworthy.core.registry import scorer


@scorer
class Fine:
    '''Hit where the answer is fine.'''

    def __init__(self, metric, good="low"):
        self.metrics = (Metric(metric, good=good),)

    def describe(self):
        return {"scorer": "repro_flag", "metric": self.metrics[0].name}

    async def score(self, attempt, sample, ctx):
        return (Score(metric=self.metrics[0].name, hit=attempt.answer == "fine", scorer="repro_flag"),)
"""


@pytest.fixture
def measured(gated, monkeypatch, request):
    """A run of six samples with one attack, and what gives the conversations that the target was asked since."""
    name = f"repro_target_{abs(hash(request.node.name))}"
    (gated.root / f"{name}.py").write_text(TARGET)
    monkeypatch.syspath_prepend(str(gated.root))
    gated.edit(
        "targets.yaml",
        'use: openai_compatible, base_url: "http://localhost:1/v1", model: m',
        f"use: python, call: '{name}:answer'",
    )
    (gated.root / "plugins" / "repro_flag.py").write_text(SCORER)
    for suite in ("leak", "help"):  # the workspace's own scorer may be loaded already, from another test's folder
        gated.edit(f"suites/{suite}/suite.yaml", "use: gate_flag", "use: repro_flag")
    (gated.root / "plugins" / "coin.py").write_text(ADAPTIVE)
    gated.edit("suites/leak/suite.yaml", "[none, role_play]", f"[{request.param}]")
    complete(begin(gated.workspace, "tiny", cache=False))
    log = gated.root / "asked.jsonl"

    def asked():
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        log.write_text("")
        return lines

    return gated, asked


def attempts(gated):
    run = Run.load(Layout(gated.root).run_directory())
    return run, list(run.attempts())


def again(gated, run, attempt, n=3, **options):
    return asyncio.run(reproduce(gated.workspace, run, attempt, n, **options))


@pytest.mark.parametrize("measured", ["fake_system"], indirect=True)
def test_the_same_words_are_said_again(measured):
    gated, asked = measured
    before = {tuple(words) for words in asked()}
    run, made = attempts(gated)
    for attempt in made:
        result = again(gated, run, attempt)
        told = {tuple(words) for words in asked()}
        assert told == {tuple(m.text for m in attempt.messages if m.role == "user")}
        assert told <= before
        assert result.alike == (3, 3)


@pytest.mark.parametrize("measured", ["fake_system"], indirect=True)
def test_redraw_draws_other_words(measured):
    gated, asked = measured
    run, made = attempts(gated)
    asked()
    again(gated, run, made[0], 20, redraw=True)
    assert len({tuple(words) for words in asked()}) > 1


@pytest.mark.parametrize("measured", ["coin"], indirect=True)
def test_an_attack_that_no_seed_decides_is_replayed_from_its_record(measured):
    gated, asked = measured
    asked()
    run, made = attempts(gated)
    again(gated, run, made[0], 2)
    first, second = (m.text for m in made[0].messages if m.role == "user")
    assert first.startswith("first ") and second.startswith("second ")
    assert asked() == [[first], [first, second]] * 2


@pytest.mark.parametrize("measured", ["fake_system"], indirect=True)
def test_a_sample_that_was_edited_is_refused(measured):
    gated, asked = measured
    run, made = attempts(gated)
    asked()
    number = int(made[0].sample.rpartition("-")[2])
    gated.edit("suites/leak/samples.jsonl", f'"question leak {number}"', '"something else"')
    with pytest.raises(UsageError, match="has changed since the run"):
        again(gated, run, made[0])
    assert asked() == []
    assert len(again(gated, run, made[0], 2, redraw=True).attempts) == 2


def recorded(*events):
    return Attempt(
        id="AT-0123456789abcdef",
        suite="leak",
        sample="s",
        attack="coin",
        number=1,
        cluster="s",
        seed=1,
        content_hash="x",
        outcome="scored",
        events=events,
    )


def test_what_was_redacted_is_not_said_again():
    with pytest.raises(UsageError, match="was redacted in the record"):
        ReplayAttack.of(recorded(Said(1, say("user", "Write to [redacted:email]."))))


def test_an_attempt_without_a_message_has_nothing_to_say():
    with pytest.raises(UsageError, match="holds no message"):
        ReplayAttack.of(recorded())
