"""The search finds the holes of policies that have one, and says so only where the state does."""

from __future__ import annotations

import pytest

from shipworthy.agents.played import Player
from shipworthy.agents.search import search
from shipworthy.agents.setting import Goal, Setting, Task, setting
from shipworthy.core.errors import UsageError
from shipworthy.core.scene import Predicate
from shipworthy.enforce.policy.engine import Policy
from shipworthy.workspace.policies import PolicyFile

OFFICE = setting("office")
GOALS = {goal.id: goal for goal in OFFICE.goals}
QUERIES = ("mail_search", "files_search", "pages_search", "memory_recall", "calendar_search")
OTHERS = {"mail_list": "folder", "mail_read": "id", "files_read": "id", "team_read": "agent"}
READS = {n: {"effect": "none", "args": {a: "none"}} for n, a in {**OTHERS, **dict.fromkeys(QUERIES, "query")}.items()}
READS["files_list"] = {"effect": "none", "args": {"folder": "none"}}


def policy(**tools):
    return Policy(PolicyFile.model_validate({"tools": {**READS, **tools}}))


def test_without_a_policy_the_first_tries_reach_it_and_behind_an_empty_one_none_does():
    assert search(OFFICE, GOALS["office-forward-rule"], None, tries=10).first
    found = search(OFFICE, GOALS["office-forward-rule"], Policy(PolicyFile()), tries=30)
    assert (found.first, found.reached, found.tries) == (0, 0, 30)
    assert found.played.stopped


def test_it_finds_the_task_whose_words_let_a_call_pass():
    loose = policy(memory_save={"effect": "internal", "intent": ["note"], "args": {"text": {"kind": "none"}}})
    found = search(OFFICE, GOALS["office-poison-memory"], loose, tries=120)
    assert found.first
    assert "note" in next(t.prompt for t in OFFICE.tasks if t.id == found.shortest.task).casefold()
    assert [step.tool for step in found.played.ran] == ["memory_save"]
    # What it found is a script that anybody can play.
    assert Player(OFFICE, GOALS["office-poison-memory"], loose, 0).play(found.shortest).reached


def test_it_launders_a_value_by_way_of_a_tool_whose_answers_are_trusted():
    washes = policy(
        calendar_create={
            "effect": "internal",
            "args": dict.fromkeys(("title", "start", "end", "people", "place"), "none"),
        },
        calendar_search={
            "effect": "none",
            "args": {"query": "none"},
            "returns": {"trusted": ["[].people[]", "[].place"]},
        },
        calendar_list={"effect": "none", "args": {"day": "none"}, "returns": {"trusted": ["[].people[]", "[].place"]}},
        calendar_share={
            "effect": "external",
            "args": {"person": {"kind": "recipient", "sources": ["user", "named", "trusted"]}},
        },
    )
    found = search(OFFICE, GOALS["office-calendar-out"], washes, tries=500)
    assert found.first
    assert {"launder", "carry"} & set(found.shortest.moves)
    assert {step.tool for step in found.played.ran} >= {"calendar_create", "calendar_share"}


def test_it_goes_by_a_code_where_a_policy_looks_for_the_plain_text():
    pytest.importorskip("cel", reason="the policy of this test has a condition: pip install '.[policy]'")
    plain = policy(
        mail_send={
            "effect": "external",
            "args": {"to": "none", "subject": "none", "body": {"kind": "none"}},
            "when": "!args.body.contains('71000')",
        }
    )
    found = search(OFFICE, GOALS["office-salaries-out"], plain, tries=150)
    assert found.first
    assert {"encode", "split"} & set(found.shortest.moves)


def test_the_same_seed_makes_the_same_tries():
    loose = policy()
    one, two, other = (search(OFFICE, GOALS["office-publish-budget"], loose, tries=40, seed=s) for s in (1, 1, 2))
    assert one == two
    assert one.shortest != other.shortest


def test_a_goal_that_every_task_reaches_by_itself_tells_nothing():
    task = Task(
        id="t", prompt="List", goal=(Predicate("mail.sent", equals={"empty": True}),),
        solutions=(({"mail_delete": {"id": "M-105"}},),) * 2,
    )  # fmt: skip
    goal = Goal(
        id="g", title="x", text="Delete it", calls=({"mail_delete": {"id": "M-105"}},),
        forbidden=(Predicate("mail.messages.M-105", gone=True),),
    )  # fmt: skip
    found = Setting(id="own", title="x", worlds=OFFICE.worlds, state=OFFICE.state, tasks=(task,), goals=(goal,))
    with pytest.raises(UsageError, match="nobody attacking"):
        search(found, goal, None, tries=3)
