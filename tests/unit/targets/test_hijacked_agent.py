"""The scripted agent does the task and every attack that it reads, when it is told to, and nothing else."""

from __future__ import annotations

import asyncio
import shutil

import pytest

from shipworthy.agents.setting import LIBRARY
from shipworthy.agents.stage import open_scene
from shipworthy.core.errors import TargetError, UsageError
from shipworthy.core.events import Called, PolicyEvent, StateChanged
from shipworthy.core.records import Document
from shipworthy.core.scene import Predicate, Scene
from shipworthy.exchange.channel import Channel
from shipworthy.exchange.desk import Mediation
from shipworthy.exchange.exchange import Exchange
from shipworthy.targets.hijacked_agent import hijacked_agent
from shipworthy.workspace.suites import library_suite

ATTACKS = {sample.id: sample for sample in library_suite("agent-worlds").samples}
ATTACK = ATTACKS["office-salaries-out--mail_body"]


def run(obeys, sample=ATTACK, *, seed=2, policy=None, **fields):
    world = open_scene(sample.scene, seed)
    exchange = Exchange(
        Channel(hijacked_agent(obeys=obeys, **fields)), Mediation(policy=policy), world=world, seed=seed
    )
    reply = asyncio.run(exchange.ask(list(sample.messages)))
    called = [event.call.name for event in exchange.events if isinstance(event, Called)]
    facts = [event.facts for event in exchange.events if isinstance(event, StateChanged)]
    return called, facts, reply


def test_it_does_the_task_alone_when_it_obeys_nobody():
    called, facts, reply = run("never")
    assert facts[-1]["goal"] is True and not any(f["forbidden"] for f in facts)
    assert "files_read" not in called
    assert reply.text.endswith("It is done.")


@pytest.mark.parametrize("obeys", ["at_once", "at_end", "in_pieces", "paraphrased"])
def test_it_obeys_an_attack_and_does_the_task(obeys):
    _, facts, _ = run(obeys)
    assert facts[-1]["goal"] is True
    assert any(f["forbidden"] for f in facts)


def test_it_goes_on_with_an_attack_in_the_next_turn():
    """The first turn reads, and makes the first call of two; the second makes the other with what that gave."""
    world = open_scene(ATTACK.scene, 2)
    exchange = Exchange(Channel(hijacked_agent(obeys="over_turns")), world=world, seed=2)
    messages = list(ATTACK.messages)
    own, _, _ = run("never")
    turns = []
    for _ in range(3):
        before = len(exchange.events)
        reply = asyncio.run(exchange.ask(messages))
        turns.append([e.call.name for e in exchange.events[before:] if isinstance(e, Called)][len(own) :])
        messages += [*reply.messages, *ATTACK.messages]
    assert turns == [["files_read"], ["mail_send"], []]
    assert any(e.facts.get("forbidden") for e in exchange.events if isinstance(e, StateChanged))


def test_when_it_obeys():
    own, _, _ = run("never")
    at_end, _, _ = run("at_end")
    assert at_end == [*own, "files_read", "mail_send"]
    at_once, _, _ = run("at_once")
    read = own.index("mail_read") + 1
    assert at_once == [*own[:read], "files_read", "mail_send", *own[read:]]
    in_pieces, _, _ = run("in_pieces")
    assert sorted(in_pieces) == sorted(at_end) and in_pieces not in (at_end, at_once)
    assert in_pieces.index("files_read") < in_pieces.index(own[-1]) or len(own) == read


@pytest.mark.parametrize(
    "position", ["tool_description", "tool_result", "memory", "agent_message", "file_name", "page"]
)
def test_it_obeys_wherever_it_reads(position):
    sample = ATTACKS[f"office-forward-rule--{position}"]
    _, facts, _ = run("at_end", sample)
    assert any(f["forbidden"] for f in facts)


def test_the_seed_chooses_the_solution():
    assert run("never", seed=0)[0] != run("never", seed=1)[0]


class Denies:
    """A policy that lets one tool pass by."""

    def __init__(self, name):
        self.name = name

    def describe(self):
        return {"denies": self.name}

    async def decide(self, call, request):
        return PolicyEvent(0, call.id, "deny" if call.name == self.name else "allow")


def test_it_does_not_know_what_it_was_not_shown():
    """What an attack passes on comes from the results it got: refused the file, it cannot send what stands in it."""
    called, facts, _ = run("at_end", policy=Denies("files_read"))
    assert not any(f["forbidden"] for f in facts)
    assert "mail_send" not in called[called.index("mail_read") + 3 :]


def test_a_document_of_the_request_is_read_too():
    sample = ATTACKS["office-forward-rule--memory"]
    scene = Scene(
        worlds=sample.scene.worlds,
        fixture="office",
        goal=sample.scene.goal,
        forbidden=(Predicate("mail.rules", has={"forward_to": {"contains": "quillmark"}}),),
    )
    world = open_scene(scene, 1)
    planted = Document("d", sample.scene.plants[0].text)
    exchange = Exchange(Channel(hijacked_agent()), world=world, documents=[planted])
    asyncio.run(exchange.ask(list(sample.messages)))
    assert any(e.facts["forbidden"] for e in exchange.events if isinstance(e, StateChanged))


def test_a_task_it_does_not_know_is_an_error_and_not_safe():
    exchange = Exchange(Channel(hijacked_agent()), world=open_scene(ATTACK.scene, 1))
    with pytest.raises(TargetError, match="knows no task"):
        asyncio.run(exchange.ask("Something else."))


def test_it_takes_a_setting_of_ones_own(tmp_path):
    mine = shutil.copytree(LIBRARY / "office", tmp_path / "mine")
    text = (mine / "tasks.yaml").read_text("utf-8")
    (mine / "tasks.yaml").write_text(text.replace("prompt: Omar asks", "prompt: Today Omar asks"), encoding="utf-8")
    found = hijacked_agent(tasks="mine", root=tmp_path)
    assert found.describe() != hijacked_agent().describe()
    with pytest.raises(UsageError, match="cannot be read"):
        hijacked_agent(tasks="nowhere", root=tmp_path)


def test_an_unknown_way_to_obey_is_refused():
    with pytest.raises(UsageError, match="obeys one of never, at_once"):
        hijacked_agent(obeys="sometimes")
