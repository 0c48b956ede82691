from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

import pytest

from shipworthy import evaluate, evaluate_async
from shipworthy.core import registry
from shipworthy.core.errors import PluginError, UsageError
from shipworthy.core.records import answer
from shipworthy.evals.begin import begin, take_up
from shipworthy.evals.results import Run
from shipworthy.evals.subject import build
from shipworthy.exchange.budget import Limits
from shipworthy.workspace.load import Workspace

SYSTEM = """
system: {id: SYS-desk, title: Desk, owner: Ops, tier: low, purpose: Answers questions.}
targets:
  default: {use: scripted_target, greeting: hello}
plans:
  - {id: small, seed: 3, suites: [{suite: questions, samples: 2, attempts: 1}]}
"""
SUITE = """
id: questions
version: "1"
title: Questions
content: synthetic
metric: not_refused
scorers: [says_yes]
attacks: [none, base64]
attempts: 2
samples:
  - {id: Q-1, messages: [{role: user, content: When is lunch?}]}
  - {id: Q-2, messages: [{role: user, content: Where is the desk?}]}
  - {id: Q-3, messages: [{role: user, content: Who are you?}]}
"""
GUARDS = """
block_message: "No."
rules:
  - {id: GD-pii, use: pii_output}
"""


class Greeter:
    def __init__(self, greeting: str, inner=None) -> None:
        self.greeting, self.inner, self.asked, self.closed = greeting, inner, 0, 0

    def describe(self):
        return {"target": "scripted_target", "greeting": self.greeting}

    async def send(self, request):
        self.asked += 1
        return answer(f"{self.greeting}, yes")

    async def close(self):
        self.closed += 1


@pytest.fixture
def made(monkeypatch) -> list[Greeter]:
    targets: list[Greeter] = []

    @registry.operational("patience")
    def scripted_target(greeting: str = "hi", model=None, patience: float = 1.0) -> Greeter:
        targets.append(Greeter(greeting, model))
        return targets[-1]

    monkeypatch.setitem(registry._made, ("target", "scripted_target"), scripted_target)
    monkeypatch.setitem(registry._made, ("target", "plain_target"), lambda: Greeter("plain"))
    return targets


@pytest.fixture
def folder(tmp_path, made) -> Path:
    (tmp_path / "suites").mkdir()
    (tmp_path / "system.yaml").write_text(textwrap.dedent(SYSTEM))
    (tmp_path / "suites" / "questions.yaml").write_text(textwrap.dedent(SUITE))
    return tmp_path


def test_evaluate_runs_a_plan_and_reads_it_back(folder, made):
    run = evaluate(folder, "small", progress=False)
    assert (run.complete, len(run), run.stopped) == (True, 4, "")
    assert run.manifest.system == "SYS-desk"
    assert run.directory.parent == folder / ".shipworthy" / "runs"
    assert [t.closed for t in made if t.asked] == [1]
    assert len(evaluate(Workspace.load(folder), progress=False)) == 12


def test_evaluate_works_inside_a_running_loop(folder):
    async def notebook():
        return evaluate(folder, "small", progress=False), await evaluate_async(folder, "small", progress=False)

    first, second = asyncio.run(notebook())
    assert first.complete
    assert second.complete
    assert first.id != second.id


def test_an_error_inside_a_running_loop_is_the_callers(folder):
    async def notebook():
        return evaluate(folder, "smal", progress=False)

    with pytest.raises(UsageError, match="did you mean 'small'"):
        asyncio.run(notebook())


def test_the_same_plan_twice_asks_the_target_once(folder, made):
    evaluate(folder, progress=False)
    asked = sum(t.asked for t in made)
    evaluate(folder, progress=False)
    assert sum(t.asked for t in made) == asked == 12
    evaluate(folder, progress=False, cache=False)
    assert sum(t.asked for t in made) == 24


def test_a_stopped_run_is_taken_up_by_id_prefix_latest_or_path(folder):
    run = evaluate(folder, limits=Limits(requests=3), progress=False, cache=False)
    assert run.stopped.startswith("the budget of 3 requests")
    for name, more in (("latest", 2), (run.id, 2), (run.id[:-2], 2), (run.directory, None)):
        run = evaluate(folder, resume=name, limits=Limits(requests=more), progress=False, cache=False)
    assert run.complete
    assert len(Run.load(run.directory)) == 12


@pytest.mark.parametrize(
    ("file", "old", "new", "word"),
    [
        ("system.yaml", "greeting: hello", "greeting: good day", "system under test"),
        ("suites/questions.yaml", "When is lunch?", "When is dinner?", "suites questions"),
        ("system.yaml", "seed: 3", "seed: 4", "plan 'small'"),
    ],
)
def test_a_run_does_not_go_on_over_a_change(folder, file, old, new, word):
    evaluate(folder, "small", limits=Limits(requests=1), progress=False)
    path = folder / file
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(UsageError, match=word):
        take_up(Workspace.load(folder))
    path.write_text(path.read_text().replace(new, old))
    assert evaluate(folder, resume="latest", progress=False).complete


def test_a_run_goes_on_over_an_operational_setting_and_stays_evidence(folder):
    first = evaluate(folder, "small", limits=Limits(requests=1), progress=False)
    path = folder / "system.yaml"
    path.write_text(path.read_text().replace("greeting: hello", "greeting: hello, patience: 90"))
    run = evaluate(folder, resume=first.id, progress=False)
    assert (run.id, run.complete) == (first.id, True)
    again = evaluate(folder, "small", progress=False)
    assert again.manifest.subject_digest == first.manifest.subject_digest


def test_guards_are_part_of_the_subject(folder):
    workspace = Workspace.load(folder)
    bare = evaluate(workspace, "small", progress=False)
    (folder / "guards.yaml").write_text(textwrap.dedent(GUARDS))
    workspace = Workspace.load(folder)
    guarded = evaluate(workspace, "small", limits=Limits(seconds=0), progress=False)
    assert (bare.manifest.guards, guarded.manifest.guards[:7]) == ("", "sha256:")
    assert bare.manifest.subject_digest != guarded.manifest.subject_digest
    assert (
        evaluate(workspace, "small", guards=False, progress=False).manifest.subject_digest
        == bare.manifest.subject_digest
    )
    with pytest.raises(UsageError, match="guards"):
        take_up(workspace, guarded.id, guards=False)
    assert evaluate(workspace, resume=guarded.id, progress=False).complete
    assert evaluate(workspace, resume=bare.id, progress=False).complete  # without guards, as it was begun
    (folder / "other.yaml").write_text(textwrap.dedent(GUARDS).replace("No.", "Sorry."))
    other = evaluate(workspace, "small", guards=folder / "other.yaml", progress=False)
    assert other.manifest.subject_digest not in (bare.manifest.subject_digest, guarded.manifest.subject_digest)


def test_a_tool_policy_is_part_of_the_subject(folder):
    bare = evaluate(Workspace.load(folder), "small", progress=False)
    (folder / "policy.yaml").write_text("tools: {send: {effect: external, args: {to: recipient}}}")
    workspace = Workspace.load(folder)
    policed = evaluate(workspace, "small", limits=Limits(seconds=0), progress=False)
    assert policed.manifest.subject["policy"]["policy"]["tools"]["send"]["effect"] == "external"
    assert policed.manifest.subject_digest != bare.manifest.subject_digest
    assert [f.path for f in policed.manifest.files if f.path == "policy.yaml"] == ["policy.yaml"]
    assert evaluate(workspace, resume=policed.id, progress=False).complete
    assert (
        evaluate(workspace, "small", guards=False, progress=False).manifest.subject_digest
        == bare.manifest.subject_digest
    )


def test_suites_can_be_picked(folder):
    workspace = Workspace.load(folder)
    with pytest.raises(UsageError, match="did you mean 'questions'"):
        begin(workspace, suites=["question"])
    assert len(evaluate(workspace, suites=["questions"], progress=False)) == 12


def test_two_processes_cannot_write_one_run(folder):
    workspace = Workspace.load(folder)
    run = begin(workspace)
    with pytest.raises(UsageError, match="another process"):
        take_up(workspace)
    asyncio.run(run.close())


def test_a_model_is_built_first_and_injected(made):
    built = build("target", "scripted_target", {"greeting": "a", "model": {"use": "scripted_target", "greeting": "b"}})
    assert (built.plugin.greeting, built.plugin.inner.greeting) == ("a", "b")
    assert built.model is built.plugin.inner
    assert built.opened == (built.plugin, built.model)


def test_a_model_for_a_target_that_takes_none_is_refused(made):
    with pytest.raises(PluginError, match="plain_target"):
        build("target", "plain_target", {"model": {"use": "scripted_target"}})
